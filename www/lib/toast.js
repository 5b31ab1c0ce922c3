// Short news at the lower edge, read out by screen readers; with something to do about it, where there is.

const SECONDS = 8;

/** Shows `text`, with a button where there is an `action`; gone by itself unless `stays`. Returns what removes it. */
export function toast(text, { action, stays = false } = {}) {
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
  document.querySelector('#toasts').append(item);
  return remove;
}
