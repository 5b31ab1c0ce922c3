// `summarise`: a text in one or two sentences, its numbers and quotations looked for in the text again.

import { text, whole } from '../check.js';
import { sizeOfWords, write } from './ask.js';
import type { Pending } from '../pending.js';
import type { ChatMessage } from '../types.js';
import { common } from './check.js';
import type { Desk, Done } from './index.js';
import { elsewhereFor, messagesFor, modelOf, wordingOf } from './prompts.js';
import { Source, verify } from './quotes.js';
import { refuses } from './refusal.js';
import type { Summarised, SummariseOptions } from './types.js';

/** Tokens of the summary, where the app says nothing. */
const MAX_TOKENS = 256;

/** See `Kinglet.summarise`. */
export async function summarise(desk: Desk, given: string, options?: SummariseOptions): Promise<Summarised> {
  const own = common('summarise', options, ['maxTokens', 'samples']);
  await desk.there(own.signal);
  const parts = { text: text('text', given) };
  const messages = (): ChatMessage[] => messagesFor('summarise', parts, modelOf(desk), own);
  const most = { given: whole('options.maxTokens', options?.maxTokens), otherwise: MAX_TOKENS };
  const worded = (template: string): string => `${template} ${wordingOf('summarise', parts, modelOf(desk), own)}`;
  const begun = await desk.begin(own, worded, () => sizeOfWords(desk.link, messages(), most));
  const local = async (rule: Pending['rule']): Promise<Done<{ summary: string }>> => {
    await desk.link.live(own.signal);
    const size = await sizeOfWords(desk.link, messages(), most);
    const words = await write(desk.link, { messages: messages() }, size, rule, own);
    const source = new Source([given]);
    const signals = {
      refusal: refuses(words.text),
      quote_ok: verify(words.text, source).ok,
      retrieval_coverage: source.coverage(words.text),
    };
    return { result: { summary: words.text.trim() }, found: signals, spent: words, texts: { input: given, output: words.text } };
  };
  return desk.settle(begun, local, {
    input: given,
    messages: () => elsewhereFor('summarise', parts, own),
    max_tokens: most.given ?? MAX_TOKENS,
    read: (said) => ({ summary: said.trim() }),
  });
}
