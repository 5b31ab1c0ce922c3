// When bigger models are asked, what may leave, and what may be spent: one form, applied as a whole.

import { html, nothing } from '../vendor/lit-html.js';
import { Observable } from '../lib/observable.js';
import { applied } from './apply.js';
import { escalationSettings } from './config.js';
import { amount, microsOf, policyOf } from './validate.js';

/** What is wrong, by field. */
const errors = new Observable({});

export const sources = [errors];

const MODES = {
  'prefer-local': 'This device answers; a bigger model where it is not sure enough',
  'only-local': 'Only this device: nothing leaves',
  'prefer-remote': 'A bigger model answers; this device where that is not allowed or fails',
  'only-remote': 'Only bigger models',
};

export function policyForm() {
  const { mode, consent, redact, dictionary, perRequest, perDay, perMonth, requestsPerMinute, maxRate, currency, handover, progressive, offline } = escalationSettings.value;
  return html`<form class="policy" novalidate aria-label="When bigger models are asked" @submit=${save}>
    <fieldset>
      <legend>Who answers</legend>
      ${select('mode', 'Mode', mode, MODES, 'wide')}
      ${select('handover', 'While a better answer comes', handover, { replace: 'show this device’s answer, then replace it', hold: 'show nothing until it is certain whose answer stands' }, 'wide')}
      ${check('progressive', 'Do not wait for the model: until it is loaded, a bigger one may answer', progressive)}
      ${check('offline', 'Without a connection, let questions wait and ask later (kept with everything personal that is recognised replaced)', offline)}
    </fieldset>
    <fieldset>
      <legend>Privacy</legend>
      ${select('consent', 'Before something leaves', consent, { ask: 'ask me', never: 'never let it leave', free: 'send it without asking' })}
      ${select('redact', 'E-mail addresses, numbers, keys', redact, { yes: 'replace them by placeholders first', no: 'send them as they are' })}
      ${field('dictionary', 'Words of your own that are replaced, too: one in each line', html`<textarea id="policy-dictionary" name="dictionary" rows="2" spellcheck="false" aria-describedby="policy-dictionary-error">${dictionary.join('\n')}</textarea>`)}
    </fieldset>
    <fieldset>
      <legend>Budget</legend>
      <p class="muted wide">Empty: no bound. Everybody who uses this browser can change it: the hard bound belongs to your relay or service.</p>
      ${text('currency', 'Currency of all prices', currency)}
      ${text('perDay', 'At most in a day', amount(perDay), 'decimal')}
      ${text('perMonth', 'At most in a month', amount(perMonth), 'decimal')}
      ${text('perRequest', 'At most for one question', amount(perRequest), 'decimal')}
      ${text('requestsPerMinute', 'Questions a minute', requestsPerMinute ?? '', 'numeric')}
      ${text('maxRate', 'Largest share of questions that may leave, %', maxRate === undefined ? '' : Math.round(maxRate * 1000) / 10, 'decimal')}
    </fieldset>
    <p class="muted">No usage data is sent to anybody: this page has no telemetry.</p>
    <div class="actions"><button class="primary">Apply</button></div>
  </form>`;
}

const error = (name) => html`<p id=${`policy-${name}-error`} class="error">${errors.value[name] ?? nothing}</p>`;

const field = (name, label, input, size = '') => html`<div class=${`field ${size}`}><label for=${`policy-${name}`}>${label}</label>${input}${error(name)}</div>`;

const select = (name, label, chosen, choices, size) =>
  field(
    name,
    label,
    html`<select id=${`policy-${name}`} name=${name} aria-describedby=${`policy-${name}-error`}>
      ${Object.entries(choices).map(([value, text]) => html`<option value=${value} ?selected=${value === chosen}>${text}</option>`)}
    </select>`,
    size,
  );

const text = (name, label, value, mode = 'text') =>
  field(name, label, html`<input id=${`policy-${name}`} name=${name} value=${value} inputmode=${mode} autocomplete="off" aria-describedby=${`policy-${name}-error`} />`);

const check = (name, label, on) => html`<label class="check wide"><input type="checkbox" name=${name} ?checked=${on} /> ${label}</label>`;

const numberOf = (typed) => {
  const said = typed.trim().replace(',', '.');
  return said === '' ? undefined : Number(said);
};

function save(event) {
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(event.target));
  const rate = numberOf(fields.maxRate);
  const { policy, errors: wrong } = policyOf({
    ...fields,
    dictionary: fields.dictionary.split('\n'),
    perRequest: microsOf(fields.perRequest),
    perDay: microsOf(fields.perDay),
    perMonth: microsOf(fields.perMonth),
    requestsPerMinute: numberOf(fields.requestsPerMinute),
    maxRate: rate === undefined ? undefined : rate / 100,
    progressive: 'progressive' in fields,
    offline: 'offline' in fields,
  });
  errors.value = wrong;
  const [first] = Object.keys(wrong);
  if (first !== undefined) {
    event.target.elements[first]?.focus();
    return;
  }
  escalationSettings.patch(policy);
  void applied();
}
