// The settings of bigger models: which there are, when they are asked, what may leave, what may be spent.

import { html, nothing } from '../vendor/lit-html.js';
import { confirmed } from '../lib/dialog.js';
import { money } from '../lib/format.js';
import { Observable } from '../lib/observable.js';
import { applied, applying } from './apply.js';
import { calibrationSettings, escalationSettings, keepKey, keysKept, lacksKey } from './config.js';
import { policyForm, sources as policySources } from './policy-form.js';
import { remoteForm, sources as formSources } from './remote-form.js';

export const title = 'Bigger models';

/** Which remote model is being written: its place, `new`, or none. */
const editing = new Observable(undefined);

export const sources = [escalationSettings, calibrationSettings, keysKept, editing, applying, ...formSources, ...policySources];

/** A template, drawn below its heading. */
export function panel() {
  const { remotes } = escalationSettings.value;
  return html`
    <p class="muted">
      Your model on this device answers. Where it is not sure enough it can ask a bigger one, after asking you. Until you set one up here nothing leaves this device.
    </p>
    ${remotes.length === 0 ? html`<p class="none">No bigger model is set up.</p>` : html`<ol class="remotes">${remotes.map(one)}</ol>`}
    ${editing.value === undefined
      ? html`<div class="actions"><button type="button" id="add-remote" @click=${() => (editing.value = 'new')}>Add a bigger model</button></div>`
      : form(remotes)}
    ${applying.value ? html`<p class="hint" role="status">${applying.value}</p>` : nothing}
    ${policyForm()}`;
}

const one = (remote, place, { length }) => html`<li class="card remote">
  <h3>${remote.name}</h3>
  <p>${remote.model} at <span class="address">${remote.baseURL}</span></p>
  <p class="muted">
    ${money(remote.price.inputPerMillion, escalationSettings.value.currency)} and ${money(remote.price.outputPerMillion, escalationSettings.value.currency)} for a
    million tokens in and out, by your word of ${remote.price.asOf}. ${place === 0 ? 'Asked first.' : `Asked where ${place === 1 ? 'the one' : 'those'} above cannot be.`}
  </p>
  ${lacksKey(remote) ? keyField(remote) : nothing}
  <div class="actions">
    <button type="button" ?disabled=${place === 0} @click=${() => move(place, -1)} aria-label=${`Move ${remote.name} up`}>Up</button>
    <button type="button" ?disabled=${place === length - 1} @click=${() => move(place, 1)} aria-label=${`Move ${remote.name} down`}>Down</button>
    <button type="button" ?disabled=${editing.value !== undefined} @click=${() => (editing.value = place)} aria-label=${`Change ${remote.name}`}>Change</button>
    <button type="button" class="danger" @click=${() => remove(place)} aria-label=${`Remove ${remote.name}`}>Remove</button>
  </div>
</li>`;

/** After a reload: the key again. */
const keyField = (remote) => html`<form
  class="key"
  @submit=${(event) => {
    event.preventDefault();
    const key = event.target.elements.key.value.trim();
    if (!key) return;
    event.target.reset();
    keepKey(remote, key);
    void applied();
  }}
>
  <p class="hint">Its key was not kept when the page was loaded again. Until you enter it, ${remote.name} is not asked.</p>
  <label class="field">${remote.auth === 'key' ? 'Key' : 'Token'}<input name="key" type="password" autocomplete="off" spellcheck="false" required /></label>
  <div class="actions"><button class="primary">Use it</button></div>
</form>`;

function form(remotes) {
  const place = editing.value;
  const taken = remotes.filter((_, i) => i !== place).map(({ name }) => name);
  return remoteForm(remotes[place], taken, (remote, key) => {
    editing.value = undefined;
    if (remote === undefined) return;
    const keyed = remote.auth === 'key' || remote.auth === 'token';
    store(place === 'new' ? [...remotes, remote] : remotes.map((other, i) => (i === place ? remote : other)), () => keepKey(remote, keyed ? key : undefined));
  });
}

function move(place, by) {
  const remotes = [...escalationSettings.value.remotes];
  [remotes[place], remotes[place + by]] = [remotes[place + by], remotes[place]];
  store(remotes);
}

async function remove(place) {
  const { remotes } = escalationSettings.value;
  const { name } = remotes[place];
  if (!(await confirmed(`Remove ${name}?`, html`<p>It is not asked any more. What it has cost stays in the account.</p>`, 'Remove'))) return;
  store(escalationSettings.value.remotes.filter((remote) => remote.name !== name));
}

/** `keep`: the key of a model that is among them only now. */
function store(remotes, keep) {
  escalationSettings.patch({ remotes });
  keep?.();
  void applied();
}
