// What is known of a chat, or of a raw completion, before it is answered.

import type { Lasting } from './lasting.js';
import type { Purse } from './ledger/types.js';
import { invalid } from './params.js';
import type { Facts } from './route/types.js';

/** A request of either kind, as the caller wrote it. */
export type Request = Readonly<Record<string, unknown>>;

/** Characters of a token, at least, of what is written mostly; where no tokenizer is there yet. */
const CHARS = 3;

/** What the request says; what the caller says of it himself holds. */
export function factsOf(link: Lasting, request: Request, prompt: number, given: unknown): Facts {
  if (given !== undefined && given !== null && (typeof given !== 'object' || Array.isArray(given))) {
    throw invalid('kinglet.facts', 'an object', typeof given);
  }
  const most = request['max_completion_tokens'] ?? request['max_tokens'];
  const room = link.known ? { max_tokens: Math.max(0, link.info.context - prompt) } : {};
  return {
    prompt_tokens: prompt,
    ...(typeof most === 'number' ? { max_tokens: most } : room),
    ...(given as Facts | null | undefined),
  };
}

/** Requests under one budget. */
export type Batch = NonNullable<Purse['batch']>;

/** What a request's money is booked under. */
export function purseOf({ task, tier }: Pick<Facts, 'task' | 'tier'>, batch?: Batch): Purse {
  return { ...(task === undefined ? {} : { task }), ...(tier === undefined ? {} : { tier }), ...(batch === undefined ? {} : { batch }) };
}

/** What is known of every request. */
export function surroundings(link: Lasting): Facts {
  const online = (globalThis.navigator as Navigator | undefined)?.onLine;
  return {
    ...(link.known ? { context: link.info.context } : { local: link.local }),
    ...(online === undefined ? {} : { online }),
  };
}

/** Tokens of a chat's prompt; an estimate while the model is on its way. */
export async function tokensOf(link: Lasting, request: Request): Promise<number> {
  return link.known ? link.call('count', { request }) : Math.ceil(JSON.stringify(request['messages'] ?? '').length / CHARS);
}

/** The one prompt of a completion, or the number of its prompts; undefined where it is none, which the engine says better. */
export function promptOf(prompt: unknown): { one: string | readonly number[] } | { several: number } | undefined {
  if (typeof prompt === 'string') {
    return { one: prompt };
  }
  if (!Array.isArray(prompt) || prompt.length === 0) {
    return undefined;
  }
  const [first] = prompt as readonly unknown[];
  if (typeof first === 'number') {
    return { one: prompt as number[] };
  }
  return prompt.length > 1 ? { several: prompt.length } : promptOf(first);
}

/** Tokens of a completion's prompt. */
export async function promptTokens(link: Lasting, prompt: string | readonly number[], suffix: unknown): Promise<number> {
  const tokens = async (text: string): Promise<number> => (await link.call('tokenize', { text, special: 'parse' })).length;
  const behind = typeof suffix === 'string' ? await tokens(suffix) : 0;
  return behind + (typeof prompt === 'string' ? await tokens(prompt) : prompt.length);
}
