// `summarise`: a text in one or two sentences, its numbers and quotations looked for in the text again.

import { write } from './ask.js';
import { common, text, whole } from './check.js';
import type { Desk } from './index.js';
import { messagesFor } from './prompts.js';
import { Source, verify } from './quotes.js';
import { refuses } from './refusal.js';
import type { Summarised, SummariseOptions } from './types.js';

/** Tokens of the summary, where the app says nothing. */
const MAX_TOKENS = 256;

/** See `Kinglet.summarise`. */
export async function summarise(desk: Desk, given: string, options?: SummariseOptions): Promise<Summarised> {
  const own = common('summarise', options, ['maxTokens']);
  const messages = messagesFor('summarise', { text: text('text', given) }, desk.link.info.model, own);
  const words = await write(desk.link, { messages }, { given: whole('options.maxTokens', options?.maxTokens), otherwise: MAX_TOKENS }, own.signal);
  const source = new Source([given]);
  const signals = {
    refusal: refuses(words.text),
    quote_ok: verify(words.text, source).ok,
    retrieval_coverage: source.coverage(words.text),
  };
  return { summary: words.text.trim(), kinglet: desk.report(own, signals, words, { input: given, output: words.text }) };
}
