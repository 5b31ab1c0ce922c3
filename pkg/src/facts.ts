// What is known of a chat, or of a raw completion, before it is answered.

import { kind } from './check.js';
import type { Lasting } from './lasting.js';
import type { Purse } from './ledger/types.js';
import { invalid } from './params.js';
import type { Facts } from './route/types.js';

/** A request of either kind, as the caller wrote it. */
export type Request = Readonly<Record<string, unknown>>;

/** Characters of a token, at least, of what is written mostly; where no tokenizer is there yet. */
const CHARS = 3;

/** Tokens of a remote answer, at most, where nobody says: what the context here has left is no bound of another model. */
const REMOTE_TOKENS = 1024;

/** What the request says; what the caller says of it himself holds. `sent`: it may be asked elsewhere. */
export function factsOf(link: Lasting, request: Request, prompt: number, given: unknown, sent: boolean): Facts {
  if (given !== undefined && given !== null && (typeof given !== 'object' || Array.isArray(given))) {
    throw invalid('kinglet.facts', 'an object', typeof given);
  }
  const { payload, task, tier } = (given ?? {}) as Record<string, unknown>;
  for (const [name, value] of Object.entries({ task, tier })) {
    if (value !== undefined && value !== null && typeof value !== 'string') {
      throw invalid(`kinglet.facts.${name}`, 'a string', kind(value));
    }
  }
  if (payload !== undefined && payload !== null && !Array.isArray(payload)) {
    throw invalid('kinglet.facts.payload', 'a list of labels', kind(payload));
  }
  const most = boundOf(request);
  const room = link.known ? { max_tokens: Math.max(0, link.info.context - prompt) } : {};
  return {
    prompt_tokens: prompt,
    ...(most !== undefined ? { max_tokens: most } : sent ? { max_tokens: REMOTE_TOKENS } : room),
    ...(given as Facts | null | undefined),
  };
}

/** The request's own bound of its answer. */
function boundOf(request: Request): number | undefined {
  const most = request['max_completion_tokens'] ?? request['max_tokens'];
  return typeof most === 'number' ? most : undefined;
}

/** Most tokens of an answer that is asked of a remote model. */
export function remoteBound(request: Request, given: unknown): number {
  const { max_tokens } = (given ?? {}) as Facts;
  return boundOf(request) ?? (max_tokens || REMOTE_TOKENS);
}

/** Whether nobody has bounded the answer: here it then ends where the context does, so its prompt alone has to fit. */
export function isOpen(request: Request, given: unknown): boolean {
  return boundOf(request) === undefined && ((given ?? {}) as Facts).max_tokens === undefined;
}

/** The facts of such a request: the bound is the remote answer's, and no reason to leave. */
export function fitted(facts: Facts): Facts {
  const { context, prompt_tokens: prompt = 0, max_tokens = 0 } = facts;
  return context === undefined || prompt >= context ? facts : { ...facts, context: Math.max(context, prompt + max_tokens) };
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
  return link.known ? link.call('count', { request }) : estimated(request);
}

/** The same, whoever may answer. */
export function estimated(request: Request): number {
  return Math.ceil(JSON.stringify(request['messages'] ?? '').length / CHARS);
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
