// On narrow screens the list of conversations lies over the conversation, and is opened and closed.

const narrow = matchMedia('(max-width: 48rem)');

/** `bar`: the list's element; `button`: what opens it. Returns `{open, close, end}`. */
export function drawer(bar, button) {
  const show = (open) => {
    bar.classList.toggle('open', open);
    // Closed, it takes no keyboard on narrow screens.
    bar.inert = narrow.matches && !open;
    button.setAttribute('aria-expanded', String(open));
  };
  const close = () => {
    if (!bar.classList.contains('open')) return false;
    show(false);
    button.focus();
    return true;
  };
  const open = () => {
    show(true);
    bar.querySelector('button').focus();
  };
  const press = () => (bar.classList.contains('open') ? close() : open());
  const changed = () => show(false);
  const outside = ({ target }) => {
    if (narrow.matches && !bar.contains(target) && !button.contains(target) && bar.classList.contains('open')) show(false);
  };
  button.addEventListener('click', press);
  narrow.addEventListener('change', changed);
  document.addEventListener('pointerdown', outside);
  show(false);
  return {
    open,
    close,
    narrow: () => narrow.matches,
    end() {
      narrow.removeEventListener('change', changed);
      document.removeEventListener('pointerdown', outside);
    },
  };
}
