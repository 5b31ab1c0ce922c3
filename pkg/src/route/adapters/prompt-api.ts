// The browser's own model (Prompt API). It says nothing of probabilities: `origin` is `none`, the decision has the note
// `no_probabilities`, and only facts and checks decide. Checks of the app's own go into `verified`, `schema_ok`, `quote_ok`.

import { signalsOf } from '../lazy.js';
import { reading, text } from '../text.js';
import type { Facts, Signals } from '../types.js';

/** What is read of a `LanguageModel` session, by its names of now or those before. */
export interface PromptSession {
  contextUsage?: number;
  contextWindow?: number;
  inputUsage?: number;
  inputQuota?: number;
}

/** Signals of what `session.prompt()` gave, with the checks that the app made of it. */
export async function fromPromptAPI(answer: string, checks: { verified?: boolean; schema_ok?: boolean; quote_ok?: boolean; refusal?: boolean } = {}): Promise<Signals> {
  const content = reading('answer', 'a text', () => (answer.trim() === '' ? 'empty' : 'some'));
  const found = reading('checks', 'an object', () => ({ ...checks }));
  const reported = text('reported', { tokens: null, content });
  return { ...(await signalsOf(reported)), ...found };
}

/** What a session knows before it is asked; `tokens`: what `session.measureContextUsage(prompt)` gave. */
export function promptFacts(session: PromptSession | null | undefined, tokens?: number): Facts {
  if (session === undefined || session === null) {
    return { local: 'absent' };
  }
  const context = session.contextWindow ?? session.inputQuota;
  const used = session.contextUsage ?? session.inputUsage ?? 0;
  return {
    ...(context === undefined || !Number.isFinite(context) ? {} : { context }),
    ...(tokens === undefined ? {} : { prompt_tokens: Math.ceil(used + tokens) }),
  };
}
