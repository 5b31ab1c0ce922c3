// Templates on the screen: drawn when what they show has changed, at most once per frame.

import { render } from '../vendor/lit-html.js';

/**
 * Draws `template()` into `element` now, and in the next frame after one of the `sources` (observables) has changed. Returns
 * what ends that and empties the element.
 */
export function draw(element, template, sources) {
  let frame = 0;
  const now = () => {
    frame = 0;
    render(template(), element);
  };
  const later = () => {
    // A hidden tab gets no frames, and what it shows must be right when it is looked at again.
    frame ||= document.hidden ? setTimeout(now) : requestAnimationFrame(now);
  };
  const ends = sources.map((source) => source.subscribe(later));
  now();
  return () => {
    ends.forEach((end) => end());
    cancelAnimationFrame(frame);
    clearTimeout(frame);
    render('', element);
  };
}
