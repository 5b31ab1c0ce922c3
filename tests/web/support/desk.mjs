// The project's own model for tests: where it is, a server that offers it as `cargo xtask start` does, the time to its
// first token.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fileModel, startServer } from './server.mjs';

/** Its file. */
export const DESK = fileURLToPath(new URL('../../../models/desk/desk.gguf', import.meta.url));

/** The small one beside it. */
export const DESK_NANO = fileURLToPath(new URL('../../../models/desk/desk-nano.gguf', import.meta.url));

/** What `cargo xtask start` says in /model.json. */
export const PRESET = { url: '/models/desk.gguf', load: true };

/** Why there is no model to test, or undefined. */
export function noDesk() {
  return existsSync(DESK) ? undefined : 'models/desk/desk.gguf is not there';
}

/** A server with desk, isolated as the real one; `more` as for `startServer`. */
export function deskServer(more = {}) {
  return startServer(new Map([['desk.gguf', fileModel(DESK)]]), { isolated: true, preset: PRESET, ...more });
}

/**
 * Runs on the page, with the package in `globalThis.kinglet`: milliseconds from the request to the first piece, for
 * prompts of exactly `tokens` tokens of which the cache holds none but the template's, after warm-up.
 */
export async function firstToken({ tokens, warmup, rounds }) {
  const engine = await globalThis.kinglet.createKinglet({ model: '/models/desk.gguf', backend: 'cpu' });
  const times = [];
  let cached = 0;
  for (let round = -warmup; round < rounds; round++) {
    let content = `${'abcdefghijklmnopqrstuvwxyz'[(round + warmup) % 26]}${round + warmup} the parcel is late`;
    let count = 0;
    while ((count = await engine.countTokens([{ role: 'user', content }])) < tokens) content += ' a';
    if (count !== tokens) throw new Error(`a prompt of ${count} tokens instead of ${tokens}`);
    const asked = performance.now();
    const stream = await engine.chat.completions.create({ messages: [{ role: 'user', content }], temperature: 0, max_tokens: 4, stream: true, stream_options: { include_usage: true } });
    let first;
    for await (const chunk of stream) {
      first ??= performance.now() - asked;
      cached = Math.max(cached, round < 1 ? 0 : (chunk.usage?.prompt_tokens_details?.cached_tokens ?? 0));
    }
    if (round >= 0) times.push(first);
  }
  engine.dispose();
  return { info: engine.info, times, cached };
}
