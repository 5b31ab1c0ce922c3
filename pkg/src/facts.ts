// What is known of a chat, or of a raw completion, before it is answered.

import type { Lasting } from './lasting.js';
import { invalid } from './params.js';
import type { Facts } from './route/types.js';

/** A request of either kind, as the caller wrote it. */
export type Request = Readonly<Record<string, unknown>>;

/** What the page knows of it; what the caller says of it himself holds. */
export async function factsOf(link: Lasting, request: Request, prompt: number, given: unknown): Promise<Facts> {
  if (given !== undefined && given !== null && (typeof given !== 'object' || Array.isArray(given))) {
    throw invalid('kinglet.facts', 'an object', typeof given);
  }
  const { context } = link.info;
  const most = request['max_completion_tokens'] ?? request['max_tokens'];
  return {
    prompt_tokens: prompt,
    max_tokens: typeof most === 'number' ? most : Math.max(0, context - prompt),
    ...surroundings(context),
    ...(given as Facts | null | undefined),
  };
}

/** What is known of every request. */
export function surroundings(context: number): Facts {
  const online = (globalThis.navigator as Navigator | undefined)?.onLine;
  return { context, ...(online === undefined ? {} : { online }) };
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
