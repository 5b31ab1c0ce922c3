// Asks before anything leaves: who gets it, exactly what, what was replaced, what it can cost. "No" is where the focus is.

import { html, nothing } from '../vendor/lit-html.js';
import { openDialog } from '../lib/dialog.js';
import { bytes, money } from '../lib/format.js';
import { told, ASKS } from './reasons.js';

let turn = Promise.resolve();

/** `onConsent` of createKinglet: one question after the other, also of two engines. */
export function askUser(request) {
  const answer = turn.then(() => (request.signal.aborted ? 'no' : ask(request)));
  turn = answer.catch(() => undefined);
  return answer;
}

async function ask({ remote, host, model, task, reason, preview, redacted, entities, cost, currency, signal }) {
  const actions = [
    { label: 'No, keep it here', value: 'no', focus: true },
    ...(task === undefined || task === 'chat' ? [] : [{ label: `Yes, for “${task}” until this page closes`, value: 'task' }]),
    { label: 'Yes, until this page closes', value: 'session' },
    { label: 'Yes, this once', value: 'once' },
  ];
  const body = html`
    <dl class="facts">
      <dt>Who gets it</dt>
      <dd><strong>${host}</strong> (model <strong>${model}</strong>${remote === model ? nothing : html`, which you call <strong>${remote}</strong>`})</dd>
      <dt>Why</dt>
      <dd>${capital(told(ASKS, reason).replace(/\.$/, ''))}.</dd>
      <dt>Cost</dt>
      <dd>${cost === null ? 'Nobody knows.' : `At most ${money(cost, currency)}; usually much less.`}</dd>
      <dt>Replaced</dt>
      <dd>${replaced(redacted, entities)}</dd>
    </dl>
    <h3 id="consent-text">What is sent</h3>
    <div class="leaving" tabindex="0" role="region" aria-labelledby="consent-text">${messagesOf(preview).map(said)}</div>
    <details class="exact">
      <summary>Exactly as it is sent (${bytes(new TextEncoder().encode(preview).length)})</summary>
      <pre class="preview" tabindex="0" aria-label="The request as it is sent">${preview}</pre>
    </details>
    <p class="muted">“Until this page closes” holds for this recipient and model alone, and is not stored.</p>`;
  return (await openDialog({ title: `Send this to ${host}?`, body, actions, signal, className: 'consent' })) ?? 'no';
}

const NAMES = {
  email: ['e-mail address', 'e-mail addresses'],
  phone: ['telephone number', 'telephone numbers'],
  card: ['card number', 'card numbers'],
  iban: ['bank account', 'bank accounts'],
  ip: ['network address', 'network addresses'],
  url: ['web address', 'web addresses'],
  secret: ['password or key', 'passwords or keys'],
  dictionary: ['of your own words', 'of your own words'],
};

/** How many of each were found, and what was done about them. */
function replaced(redacted, entities) {
  const found = Object.entries(entities).filter(([, count]) => count > 0);
  const list = found.map(([kind, count]) => `${count} ${(NAMES[kind] ?? [kind, kind])[count === 1 ? 0 : 1]}`).join(', ');
  if (found.length === 0) return redacted ? 'Nothing was found that has to be. Names and descriptions are not recognised.' : 'Nothing: this request is sent as it is.';
  return redacted ? `${list}. Placeholders stand for them; names and descriptions are not recognised.` : `Nothing, although there is: ${list}. You can have them replaced (Settings, Privacy).`;
}

/** The messages of the body in either protocol; none where it has another shape. */
function messagesOf(preview) {
  try {
    const { messages = [], system } = JSON.parse(preview);
    const all = messages.map(({ role, content }) => ({ role: String(role), text: textOf(content) }));
    return system === undefined ? all : [{ role: 'system', text: textOf(system) }, ...all];
  } catch {
    return [{ role: 'request', text: preview }];
  }
}

const textOf = (content) => (typeof content === 'string' ? content : Array.isArray(content) ? content.map((part) => part?.text ?? JSON.stringify(part)).join('\n') : JSON.stringify(content ?? ''));

const ROLES = { user: 'You', assistant: 'Answer', system: 'Instructions', developer: 'Instructions' };

const said = ({ role, text }) => html`<p><strong class="role">${ROLES[role] ?? role}</strong> <span dir="auto">${marked(text)}</span></p>`;

/** Placeholders stand out, not by their colour alone. */
const marked = (text) => text.split(/(__[A-Z]+_\d+__)/).map((part, i) => (i % 2 === 1 ? html`<mark>${part}</mark>` : part));

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
