// The documents: add, look through, search, remove; what may leave this device of each.

import { html } from '../../vendor/lit-html.js';
import { draw } from '../../lib/draw.js';
import { problem } from '../../lib/errors.js';
import { documentSettings } from '../../documents/finder.js';
import { library, ready } from '../../documents/library.js';
import { engine } from '../../services/engine.js';
import { adding, listen } from './adding.js';
import { list } from './list.js';
import { found, searching } from './search.js';

export const title = 'Documents';

export function show(element) {
  void ready();
  const deaf = listen(element);
  const end = draw(
    element,
    () => html`<h1>${title}</h1>
      <p class="muted">Your files are read, kept and searched on this device. Answers from them cite the passages. What may leave, and only with a bigger model set up, is each document's own label.</p>
      ${problem(library.value.error)} ${adding()} ${searching()} ${list()}`,
    [library, documentSettings, engine, found],
  );
  return () => {
    deaf();
    end();
  };
}
