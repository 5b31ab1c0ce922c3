// Short news at the lower edge, read out by screen readers; with something to do about it, where there is.

const SECONDS = 8;
/** Shown at a time; the oldest makes room. */
const MOST = 5;

/**
 * Shows `text`, with a button where there is an `action`; gone by itself unless `stays`, as one with an action does: nobody has to hurry.
 * Returns what removes it.
 */
export function toast(text, { action, stays = action !== undefined } = {}) {
  const item = document.createElement('p');
  item.className = 'toast';
  item.append(text);
  const remove = () => item.remove();
  const button = (label, run) => {
    const element = document.createElement('button');
    element.type = 'button';
    element.textContent = label;
    element.addEventListener('click', () => {
      remove();
      run?.();
    });
    item.append(element);
  };
  if (action) button(action.label, action.run);
  if (stays) button('Dismiss');
  else setTimeout(remove, SECONDS * 1000);
  const all = document.querySelector('#toasts');
  all.append(item);
  if (all.childElementCount > MOST) all.firstElementChild.remove();
  return remove;
}
