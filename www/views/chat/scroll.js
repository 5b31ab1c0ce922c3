// The end stays in view while an answer grows, as long as the reader is there; who has scrolled back is left alone.

/** Pixels from the end that still count as being there. */
const NEAR = 48;

/** `drawn`: to be called when something has grown; `toEnd`; `keep(change)`: what is in view stays where it is. `end` ends it. */
export function follow(element) {
  let following = true;
  let top = 0;
  const atEnd = () => element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
  const toEnd = () => {
    following = true;
    element.scrollTop = element.scrollHeight;
  };
  const scrolled = () => {
    // Only the reader scrolls up; growth does not.
    if (element.scrollTop < top || atEnd()) following = atEnd();
    top = element.scrollTop;
  };
  let frame = 0;
  const drawn = () => {
    if (!following) return;
    toEnd();
    // What has just come has its own height only after it was laid out in view (content-visibility).
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => (frame = requestAnimationFrame(() => following && toEnd())));
  };
  element.addEventListener('scroll', scrolled, { passive: true });
  const sizes = new ResizeObserver(drawn);
  sizes.observe(element);
  // What is in it: items come, and texts are drawn later.
  const grown = new MutationObserver(drawn);
  grown.observe(element, { childList: true, subtree: true });
  return {
    drawn,
    toEnd,
    keep(change) {
      const below = element.scrollHeight - element.scrollTop;
      following = false;
      change();
      requestAnimationFrame(() => requestAnimationFrame(() => (element.scrollTop = element.scrollHeight - below)));
    },
    end() {
      cancelAnimationFrame(frame);
      element.removeEventListener('scroll', scrolled);
      sizes.disconnect();
      grown.disconnect();
    },
  };
}
