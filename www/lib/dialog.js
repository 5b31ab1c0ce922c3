// Questions to the user: a <dialog>, which holds the focus and gives it back by itself.

import { html, render } from '../vendor/lit-html.js';

/**
 * Asks. `body`: a template; `actions`: `[{label, value, primary?, danger?, disabled?, focus?}]`, or a function that gives them;
 * `focus`: where the focus is at first. Resolves to the value of
 * the button that was pressed, undefined where the dialog was closed otherwise (Esc). `signal` closes it, too. Calling the
 * function that `body` gets draws the dialog again: `openDialog({title, body: (redraw) => html`…`, actions})`.
 */
export function openDialog({ title, body, actions, signal, className = '' }) {
  const dialog = document.createElement('dialog');
  dialog.className = className;
  dialog.setAttribute('aria-label', title);
  document.body.append(dialog);
  return new Promise((resolve) => {
    const close = (value) => {
      dialog.returnValue = '';
      dialog.close();
      resolve(value);
    };
    const redraw = () =>
      render(
        html`<form method="dialog" @submit=${(event) => event.preventDefault()}>
          <h2>${title}</h2>
          <div class="body">${typeof body === 'function' ? body(redraw) : body}</div>
          <div class="actions">
            ${(typeof actions === 'function' ? actions() : actions).map(
              ({ label, value, primary, danger, disabled, focus }) => html`<button
                ?autofocus=${focus ?? false}
                type=${primary ? 'submit' : 'button'}
                class=${primary ? 'primary' : danger ? 'danger' : ''}
                ?disabled=${disabled ?? false}
                @click=${() => close(value)}
              >${label}</button>`,
            )}
          </div>
        </form>`,
        dialog,
      );
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(undefined);
    });
    signal?.addEventListener('abort', () => close(undefined), { once: true });
    redraw();
    dialog.showModal();
  });
}

/** Yes or no. */
export async function confirmed(title, body, yes, { danger = true } = {}) {
  const actions = [{ label: 'Cancel', value: false }, { label: yes, value: true, danger, primary: !danger }];
  return (await openDialog({ title, body, actions })) === true;
}
