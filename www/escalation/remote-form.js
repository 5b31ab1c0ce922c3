// One bigger model to be written down: where it is, how it lets one in, what it costs.

import { html, nothing } from '../vendor/lit-html.js';
import { Observable } from '../lib/observable.js';
import { escalationSettings, keyOf } from './config.js';
import { amount, microsOf, remoteOf } from './validate.js';

/** What is wrong, by field, and how it lets one in: the one choice that changes the form. */
const form = new Observable({ errors: {}, auth: undefined });

export const sources = [form];

const WAYS = {
  'token-url': 'Short-lived tokens of my relay (recommended)',
  none: 'Nothing: the address is my own and knows me',
  token: 'A token of my relay, entered here',
  key: 'The key of a service',
};

/** The form. `done(remote, key)` when it is saved, `done()` when it is given up; `taken`: names of others. */
export function remoteForm(remote = { price: {} }, taken, done) {
  const { errors } = form.value;
  const auth = form.value.auth ?? remote.auth ?? 'token-url';
  const ended = (...given) => {
    form.value = { errors: {}, auth: undefined };
    done(...given);
  };
  const { currency } = escalationSettings.value;
  return html`<form class="card remote-form" novalidate aria-label=${remote.name ? `Change ${remote.name}` : 'A bigger model'} @submit=${(event) => save(event, remote, taken, ended)}>
    <div class="grid">
      ${field('Name', 'name', errors, html`<input id="remote-name" name="name" value=${remote.name ?? ''} autocomplete="off" aria-describedby="remote-name-error" />`)}
      <div class="field">
        <label for="remote-api">Protocol</label>
        <select id="remote-api" name="api">
          <option value="openai" ?selected=${remote.api !== 'anthropic'}>OpenAI’s (chat completions)</option>
          <option value="anthropic" ?selected=${remote.api === 'anthropic'}>Anthropic’s (messages)</option>
        </select>
      </div>
      ${field('Address', 'baseURL', errors, html`<input id="remote-baseURL" name="baseURL" value=${remote.baseURL ?? ''} placeholder="https://relay.example/v1" inputmode="url" autocomplete="off" spellcheck="false" aria-describedby="remote-baseURL-error" />`)}
      ${field('Model, as the service calls it', 'model', errors, html`<input id="remote-model" name="model" value=${remote.model ?? ''} autocomplete="off" spellcheck="false" aria-describedby="remote-model-error" />`)}
      ${field(`Price of a million tokens in, ${currency}`, 'inputPerMillion', errors, html`<input id="remote-inputPerMillion" name="inputPerMillion" value=${amount(remote.price.inputPerMillion)} inputmode="decimal" autocomplete="off" aria-describedby="remote-inputPerMillion-error" />`)}
      ${field(`Price of a million tokens out, ${currency}`, 'outputPerMillion', errors, html`<input id="remote-outputPerMillion" name="outputPerMillion" value=${amount(remote.price.outputPerMillion)} inputmode="decimal" autocomplete="off" aria-describedby="remote-outputPerMillion-error" />`)}
      <div class="field wide">
        <label for="remote-auth">What lets this page in</label>
        <select id="remote-auth" name="auth" @change=${(event) => form.patch({ auth: event.target.value })}>
          ${Object.entries(WAYS).map(([value, name]) => html`<option value=${value} ?selected=${value === auth}>${name}</option>`)}
        </select>
      </div>
      ${auth === 'token-url' ? field('Address that gives a token', 'tokenURL', errors, html`<input id="remote-tokenURL" name="tokenURL" value=${remote.tokenURL ?? ''} placeholder="https://relay.example/token" inputmode="url" autocomplete="off" spellcheck="false" aria-describedby="remote-tokenURL-error" />`) : nothing}
      ${auth === 'token' || auth === 'key' ? keyField(auth, remote, errors) : nothing}
    </div>
    ${auth === 'key' ? html`<p class="hint">Whoever can open this page’s tools can read the key while the page is open, and spend with it. A relay that gives short-lived tokens is safer.</p>` : nothing}
    <div class="actions">
      <button class="primary">Save</button>
      <button type="button" @click=${() => ended()}>Cancel</button>
    </div>
  </form>`;
}

const field = (name, id, errors, input) => html`<div class="field">
  <label for=${`remote-${id}`}>${name}</label>
  ${input}
  <p id=${`remote-${id}-error`} class="error">${errors[id] ?? nothing}</p>
</div>`;

const keyField = (auth, remote, errors) => html`<div class="field wide">
  <label for="remote-key">${auth === 'key' ? 'Key' : 'Token'} <span class="muted">It is never stored: it stays in this page’s memory, and you enter it again after a reload.</span></label>
  <input id="remote-key" name="key" type="password" autocomplete="off" spellcheck="false" placeholder=${remote.name !== undefined && keyOf(remote) ? 'Leave empty to go on with the one that is there' : ''} aria-describedby="remote-key-error" />
  <p id="remote-key-error" class="error">${errors.key ?? nothing}</p>
</div>`;

function save(event, before, taken, ended) {
  event.preventDefault();
  const { inputPerMillion, outputPerMillion, key: typed = '', ...fields } = Object.fromEntries(new FormData(event.target));
  const price = { inputPerMillion: microsOf(inputPerMillion), outputPerMillion: microsOf(outputPerMillion) };
  const same = ['inputPerMillion', 'outputPerMillion'].every((one) => price[one] === before.price[one]);
  const { remote, errors = {} } = remoteOf({ ...fields, price: { ...price, ...(same ? { asOf: before.price.asOf } : {}) } }, taken);
  // The one that is there was entered for its server: another server does not get it.
  const key = typed.trim() || (before.name === undefined ? undefined : keyOf({ name: before.name, baseURL: fields.baseURL }));
  if ((fields.auth === 'key' || fields.auth === 'token') && !key) {
    const moved = before.name !== undefined && keyOf(before) !== undefined;
    errors.key = moved ? 'Enter the one for this address: the one that is there belongs to another server.' : 'Enter it: without it this model cannot be asked.';
  }
  if (remote === undefined || Object.keys(errors).length > 0) {
    form.patch({ errors });
    const [first] = ['name', 'baseURL', 'model', 'inputPerMillion', 'outputPerMillion', 'tokenURL', 'key'].filter((one) => one in errors);
    event.target.elements[first]?.focus();
    return;
  }
  ended(remote, key);
}
