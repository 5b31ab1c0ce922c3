// `summarise`: a text in one or two sentences, its numbers and quotations looked for in the text again.

import { text, whole } from '../check.js';
import { sizeOfWords, write } from './ask.js';
import { common } from './check.js';
import type { Desk } from './index.js';
import { messagesFor, wordingOf } from './prompts.js';
import { Source, verify } from './quotes.js';
import { refuses } from './refusal.js';
import type { Summarised, SummariseOptions } from './types.js';

/** Tokens of the summary, where the app says nothing. */
const MAX_TOKENS = 256;

/** See `Kinglet.summarise`. */
export async function summarise(desk: Desk, given: string, options?: SummariseOptions): Promise<Summarised> {
  const own = common('summarise', options, ['maxTokens', 'samples']);
  await desk.link.live(own.signal); // which may be another model than before, and is worded for
  const { model } = desk.link.info;
  const parts = { text: text('text', given) };
  const messages = messagesFor('summarise', parts, model, own);
  const size = await sizeOfWords(desk.link, messages, { given: whole('options.maxTokens', options?.maxTokens), otherwise: MAX_TOKENS });
  const begun = await desk.begin(own, (template) => `${template} ${wordingOf('summarise', parts, model, own)}`, async () => size);
  const words = await write(desk.link, { messages }, size, begun.pending?.rule, own);
  const source = new Source([given]);
  const signals = {
    refusal: refuses(words.text),
    quote_ok: verify(words.text, source).ok,
    retrieval_coverage: source.coverage(words.text),
  };
  return { summary: words.text.trim(), kinglet: desk.report(begun, signals, words, { input: given, output: words.text }) };
}
