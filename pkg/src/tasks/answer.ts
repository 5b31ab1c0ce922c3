// `answer`: a question, answered from passages, and what it says looked for in them.

import { count, kind, number, object, text, whole } from '../check.js';
import { labelOf } from '../label.js';
import { invalid, refuseOthers } from '../params.js';
import { sizeOfChoice, sizeOfWords, write } from './ask.js';
import type { Pending } from '../pending.js';
import type { ChatMessage } from '../types.js';
import { common, type Common } from './check.js';
import type { Desk, Done } from './index.js';
import { elsewhereFor, messagesFor, modelOf, wordingOf } from './prompts.js';
import { Source, verify } from './quotes.js';
import { refuses } from './refusal.js';
import type { Found } from '../retrieval/types.js';
import type { Answered, AnswerOptions, Passage, Passages, Searchable } from './types.js';

/** Tokens of the answer, where the app says nothing. */
const MAX_TOKENS = 256;
/** Passages of an index, where the app says nothing. */
const K = 3;

/** See `Kinglet.answer`. */
export async function answer(desk: Desk, question: string, given: Passages, options?: AnswerOptions): Promise<Answered> {
  const own = common('answer', options, ['maxTokens', 'samples', 'k']);
  text('question', question);
  const { passages, signals: found } = await passagesFor(question, given, count('options.k', options?.k, K), own.signal);
  const most = { given: whole('options.maxTokens', options?.maxTokens), otherwise: MAX_TOKENS };
  await desk.there(own.signal);
  const parts = { question, passages };
  const worded = (template: string): string => `${template} ${wordingOf('answer', parts, modelOf(desk), own)}`;
  const source = new Source(passages.map((passage) => passage.text));
  const read = (said: string): Result => {
    const refusal = refuses(said);
    const { quotes } = refusal ? { quotes: [] } : verify(said, source);
    return { answer: refusal || said.trim() === '' ? null : said.trim(), text: said, quotes, passages };
  };
  const elsewhere = {
    input: question,
    messages: () => elsewhereFor('answer', parts, own),
    documents: {
      question,
      texts: passages.map((passage) => passage.text),
      messages: (texts: readonly string[]) => elsewhereFor('answer', { question, passages: texts.map((part) => ({ text: part })) }, own),
    },
    max_tokens: most.given ?? MAX_TOKENS,
    read,
  };
  if (passages.length === 0) {
    const begun = await desk.begin(own, worded, () => sizeOfChoice(desk.link, question, []), NOTHING);
    return desk.settle(begun, async () => nothing(question), elsewhere);
  }
  const messages = (): ChatMessage[] => messagesFor('answer', parts, modelOf(desk), own);
  const begun = await desk.begin(withLabels(own, passages), worded, () => sizeOfWords(desk.link, messages(), most), found);
  const local = async (rule: Pending['rule']): Promise<Done<Result>> => {
    await desk.link.live(own.signal);
    const size = await sizeOfWords(desk.link, messages(), most);
    const words = await write(desk.link, { messages: messages() }, size, rule, own);
    const refusal = refuses(words.text);
    const signals = {
      ...found,
      refusal,
      quote_ok: refusal ? undefined : verify(words.text, source).ok,
      retrieval_coverage: refusal ? undefined : source.coverage(words.text),
    };
    return { result: read(words.text), found: signals, spent: words, texts: { input: question, output: words.text } };
  };
  return desk.settle(begun, local, elsewhere);
}

type Result = Omit<Answered, 'kinglet'>;

/** What retrieval says of a question to which it has found nothing. */
const NOTHING = { retrieval_top: 0, retrieval_margin: 0 };

/** The model is not asked about nothing. */
function nothing(question: string): Done<Result> {
  return {
    result: { answer: null, text: '', quotes: [], passages: [] },
    found: { empty: true, ...NOTHING },
    spent: {
      signals: undefined,
      usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
      timings: { prefill_ms: 0, decode_ms: 0, reused_tokens: 0 },
    },
    texts: { input: question, output: '' },
  };
}

/** Passages are a part of what would leave: their labels hold beside those of the request, or the default of its own words. */
function withLabels(own: Common<never>, passages: readonly Passage[]): Common<never> {
  const labels = passages.map(({ consent, redact }) => ({ ...(consent === undefined ? {} : { consent }), ...(redact === undefined ? {} : { redact }) }));
  const given = own.facts.payload ?? undefined;
  if (given !== undefined && !Array.isArray(given)) {
    throw invalid('options.facts.payload', 'a list of labels', kind(given));
  }
  const said = given === undefined ? [{}, ...labels] : [...given, ...labels.filter((label) => Object.keys(label).length > 0)];
  return { ...own, facts: { ...own.facts, payload: said } };
}

async function passagesFor(
  question: string,
  given: Passages,
  k: number,
  signal: AbortSignal | undefined,
): Promise<{ passages: Passage[]; signals: Found['signals'] }> {
  if (typeof given !== 'object' || Array.isArray(given) || typeof (given as Searchable | null)?.search !== 'function') {
    return { passages: passagesOf(given as Exclude<Passages, Searchable>), signals: {} };
  }
  return foundBy(await (given as Searchable).search(question, { k, ...(signal === undefined ? {} : { signal }) }));
}

/** What an index has found, which may be the app's own. */
function foundBy(found: unknown): { passages: Passage[]; signals: Found['signals'] } {
  const at = 'passages.search()';
  const { hits, signals } = object<Partial<Found>>(at, found as Found);
  if (!Array.isArray(hits)) {
    throw invalid(`${at}.hits`, 'a list', kind(hits));
  }
  const { retrieval_top: top, retrieval_margin: margin } = object<Found['signals']>(`${at}.signals`, signals);
  const measured = { retrieval_top: finite(`${at}.signals.retrieval_top`, top), retrieval_margin: finite(`${at}.signals.retrieval_margin`, margin) };
  return {
    passages: hits.map((hit: unknown, i) => {
      const place = `${at}.hits[${i}]`;
      const { id, text: said, consent, redact } = object(place, hit as Passage);
      return { id: text(`${place}.id`, id), text: text(`${place}.text`, said), ...labelOf(place, { consent, redact }) };
    }),
    signals: Object.fromEntries(Object.entries(measured).filter(([, value]) => value !== undefined)),
  };
}

const finite = (at: string, value: unknown): number | undefined => number(at, value, -Number.MAX_VALUE, Number.MAX_VALUE);

function passagesOf(given: Exclude<Passages, Searchable>): Passage[] {
  const list = typeof given === 'string' ? [given] : given;
  if (!Array.isArray(list)) {
    throw invalid('passages', 'a text, a list of texts, or an index', kind(list));
  }
  if (list.length === 0) {
    throw invalid('passages', 'at least one', 'none');
  }
  return list.map((passage: unknown, i) => {
    const at = typeof given === 'string' ? 'passages' : `passages[${i}]`;
    if (typeof passage === 'string') {
      return { text: text(at, passage) };
    }
    if (typeof passage !== 'object' || passage === null) {
      throw invalid(at, 'a text or {text, id}', kind(passage));
    }
    const { text: said, id, consent, redact, ...others } = passage as Passage;
    refuseOthers(at, others, () => 'text, id, consent or redact');
    const label = labelOf(at, { consent, redact });
    return { text: text(`${at}.text`, said), ...(id === undefined ? {} : { id: text(`${at}.id`, id) }), ...label };
  });
}
