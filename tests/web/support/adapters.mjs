// What the tests of both adapters share: desk-nano in Node, a question for it, and a stream's parts.
import { after, before } from 'node:test';
import { notBuilt } from './browser.mjs';
import { DESK_NANO, noDesk } from './desk.mjs';
import { nodeKinglet } from './node-engine.mjs';

/** Why tests with real weights cannot run here, or false. */
export const skip = notBuilt() ?? noDesk() ?? false;

export const QUESTION = 'filter\nmessage: You have won a free phone! Click the link now.';

/**
 * The real engine for the tests of one file: `kinglet`, and `endless`, parameters with which an answer ends at its length only
 * (the token that ends it is never drawn). Both are there when the tests run.
 */
export function deskNano() {
  const real = {};
  before(async () => {
    if (skip) return;
    Object.assign(real, await nodeKinglet(DESK_NANO));
    const [end] = await real.kinglet.tokenize('<|end|>', { special: 'parse' });
    real.endless = { logit_bias: { [end]: -100 } };
  });
  after(() => real.close?.());
  return real;
}

/** All parts of a stream. */
export async function collect(stream) {
  const all = [];
  for await (const part of stream) all.push(part);
  return all;
}
