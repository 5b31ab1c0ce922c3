// Signals of an answer in OpenAI's shape: a chat or a completion, whole or in chunks, with the log-probabilities that were
// asked for (`logprobs: true`, and `top_logprobs` of at least 2 for margins; of a completion `logprobs: 5`).

import { signalsOf } from '../lazy.js';
import { reading, text } from '../text.js';
import type { Signals } from '../types.js';

interface Token {
  token: string;
  logprob: number;
  top_logprobs?: readonly { logprob: number }[] | null;
}

/** What adapters read of an answer, or of one of its chunks. */
export interface Answer {
  choices: readonly {
    index?: number;
    text?: string;
    message?: { content?: string | null };
    delta?: { content?: string | null };
    finish_reason?: string | null;
    logprobs?:
      | { content?: readonly Token[] | null }
      | { tokens?: readonly string[]; token_logprobs?: readonly (number | null)[]; top_logprobs?: readonly (Record<string, number> | null)[] | null }
      | null;
  }[];
}

/** `choice`: which one of several. `form: 'json'`: the answer is JSON, and its values are looked at by themselves. */
export interface AdapterOptions {
  choice?: number;
  form?: 'text' | 'json';
}

/** Signals of an answer with `logprobs`; without them `origin` is `none`, and only facts and checks decide. */
export async function fromOpenAI(answer: Answer | readonly Answer[], { choice = 0, form = 'text' }: AdapterOptions = {}): Promise<Signals> {
  const reported = reading('answer', "one in OpenAI's shape", () => {
    const parts = [answer].flat().flatMap(({ choices }) => choices.filter(({ index }) => (index ?? 0) === choice));
    const said = parts.map((part) => part.text ?? part.message?.content ?? part.delta?.content ?? '').join('');
    const reason = parts.map((part) => part.finish_reason).findLast((why) => why != null);
    const finish = reason === 'length' ? 'length' : reason == null ? 'unknown' : 'stop';
    const content = said.trim() !== '' ? 'some' : reason === 'tool_calls' ? 'unknown' : 'empty';
    return text('reported', { tokens: parts.flatMap(({ logprobs }) => tokens(logprobs ?? {})), form, finish, content });
  });
  return signalsOf(reported);
}

function tokens(logprobs: NonNullable<Answer['choices'][number]['logprobs']>): { token: string; logprob: number; top: number[] }[] {
  if ('tokens' in logprobs && logprobs.tokens !== undefined) {
    const { tokens, token_logprobs: own, top_logprobs: top } = logprobs;
    const all = tokens.map((token, i) => ({ token, logprob: own?.[i], top: Object.values(top?.[i] ?? {}).map(number) }));
    // The first token of an echoed prompt has none.
    return all.flatMap(({ logprob, ...token }) => (logprob == null ? [] : [{ ...token, logprob: number(logprob) }]));
  }
  const content = ('content' in logprobs ? logprobs.content : null) ?? [];
  return content.map(({ token, logprob, top_logprobs: top }) => ({ token, logprob: number(logprob), top: (top ?? []).map((rival) => number(rival.logprob)) }));
}

/** Minus infinity is what some engines call impossible; JSON has no word for it. */
const number = (logprob: number): number => (logprob === -Infinity ? -1e4 : logprob);
