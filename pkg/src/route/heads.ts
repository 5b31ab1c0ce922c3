// Heads in the Wasm module (tasks/head.ts): fitting one, and asking one that was fitted.

import { call, Made, type RawHead, type RouteGlue } from './module.js';
import { text } from './text.js';

/** What fits heads, and opens them. */
export class Heads {
  constructor(private readonly glue: RouteGlue) {}

  /** A head, as JSON, of states one after the other, the index of the label of each, and the options `{c}`. */
  fit(states: Float32Array, labels: Uint32Array, names: string[], binding: string, options: { c?: number }): string {
    return call(this.glue, () => this.glue.fit_head(states, labels, names, binding, JSON.stringify(options)));
  }

  /** @throws KingletError `invalid_request` where it is none; `profile_mismatch` where it was fitted to another model. */
  open(head: unknown, binding: string): Made<RawHead> {
    const said = text('options.head', head);
    const opened = new Made(this.glue, () => new this.glue.Head(said, binding));
    opened.call(() => undefined);
    return opened;
  }
}
