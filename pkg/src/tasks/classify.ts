// `classify`: one of given labels, by the model's own probability of saying each.

import { NO_TEMPLATE } from '../binding.js';
import { text, texts } from '../check.js';
import { digest } from '../hash.js';
import { invalid } from '../params.js';
import { choose, sizeOfChoice, type Size } from './ask.js';
import { common, type Common } from './check.js';
import { headOf, judge } from './head.js';
import { elsewhereFor, messagesFor, modelOf, wordingOf } from './prompts.js';
import type { ChatMessage } from '../types.js';
import type { Desk, Done } from './index.js';
import type { Classified, ClassifyOptions, Head, LabelScore } from './types.js';

/** What a label that means none of the others is called: desk knows this one. */
const NONE = 'none of these';

/** See `Kinglet.classify`. */
export async function classify(desk: Desk, given: string, labels: readonly string[], options?: ClassifyOptions): Promise<Classified> {
  const own = common('classify', options, ['none', 'head', 'examples']);
  const offered = texts('labels', labels);
  if (options?.head !== undefined || options?.examples !== undefined) {
    return byHead(desk, text('text', given), offered, own, options);
  }
  const none = noneOf(options?.none);
  if (none !== undefined && offered.includes(none)) {
    throw invalid('options.none', 'a label that is not among the others', `"${none}"`);
  }
  const all = none === undefined ? offered : [...offered, none];
  await desk.there(own.signal);
  const parts = { text: text('text', given), labels: all };
  const messages = (): ChatMessage[] => messagesFor('classify', parts, modelOf(desk), own);
  const last = none === undefined ? undefined : all.length - 1;
  const worded = (template: string): string => `${template} ${wordingOf('classify', parts, modelOf(desk), own)}`;
  const size = (): Promise<Size> => sizeOfChoice(desk.link, messages(), all);
  const begun = await desk.begin(own, worded, size);
  const local = async (): Promise<Done<Result>> => {
    await desk.link.live(own.signal);
    const choice = await choose(desk.link, { messages: messages(), labels: all, ...(last === undefined ? {} : { none: last }) }, own.signal);
    const scores = choice.scores.map(({ label, score, bound }): LabelScore => ({ label, score, ...(bound ? { bound } : {}) }));
    const best = scores[choice.best]?.label ?? null;
    const result = { label: best === none ? null : best, scores: scores.toSorted((a, b) => b.score - a.score) };
    return { result, found: {}, spent: choice, texts: { input: given, output: best } };
  };
  return desk.settle<Result>(begun, local, {
    input: given,
    messages: () => elsewhereFor('classify', parts, own),
    max_tokens: LABEL_TOKENS,
    // Another model says a label, and nothing of how sure it is: the scores stay those of this one.
    read: (said, done) => {
      const label = labelIn(said, all);
      return label === undefined ? undefined : { label: label === none ? null : label, scores: done?.result.scores ?? [] };
    },
  });
}

type Result = Omit<Classified, 'kinglet'>;

/** Tokens of a label, at most, by any tokenizer. */
const LABEL_TOKENS = 64;

/** Which of the labels a model has said, whatever the case, the quotation marks and the full stop. */
function labelIn(said: string, labels: readonly string[]): string | undefined {
  const plain = (label: string): string => label.trim().replace(/^["'`*]+|["'`*.]+$/g, '').trim().toLowerCase();
  return labels.find((label) => label === said.trim()) ?? labels.find((label) => plain(label) === plain(said));
}

/** By a head: of the labels that are offered, its likeliest. */
async function byHead(desk: Desk, given: string, offered: readonly string[], own: Common<never>, options: ClassifyOptions): Promise<Classified> {
  if (options.head !== undefined && options.examples !== undefined) {
    throw invalid('options.examples', 'no head beside it', 'both');
  }
  if (options.none !== undefined || options.prompt !== undefined) {
    const which = options.none === undefined ? 'prompt' : 'none';
    throw invalid(`options.${which}`, 'nothing: a head knows the labels of its examples, and asks nothing', 'a value');
  }
  await desk.link.live(own.signal); // a head of the model before is refused
  const head = options.head ?? (await headOf(desk, options.examples ?? []));
  const begun = await desk.begin(own, () => templateOf(head), () => sizeOfChoice(desk.link, given, offered));
  const found = await judge(desk, head, given, own.signal);
  const known = new Set(found.scores.map(({ label }) => label));
  const missing = offered.findIndex((label) => !known.has(label));
  if (missing >= 0) {
    throw invalid(`labels[${missing}]`, 'a label that the head has examples of', `"${offered[missing]}"`);
  }
  const scores = found.scores.filter(({ label }) => offered.includes(label));
  const best = scores[0]?.label ?? null;
  const spent = { signals: undefined, usage: found.usage, timings: found.timings };
  const [max, margin] = [scores[0]?.score ?? 0, (scores[0]?.score ?? 0) - (scores[1]?.score ?? 0)];
  const signals = { origin: 'measured' as const, head_max: max, head_margin: margin, prompt_tokens: found.usage.prompt_tokens };
  const parts = { text: given, labels: offered };
  return desk.settle<Result>(begun, async () => ({ result: { label: best, scores }, found: signals, spent, texts: { input: given, output: best } }), {
    input: given,
    messages: () => elsewhereFor('classify', parts, {}),
    max_tokens: LABEL_TOKENS,
    read: (said) => {
      const label = labelIn(said, offered);
      return label === undefined ? undefined : { label, scores };
    },
  });
}

const templates = new WeakMap<Head, string>();

/** A head uses no template; what its answers are calibrated for is the head itself. */
function templateOf(head: Head): string {
  const template = templates.get(head) ?? `${NO_TEMPLATE} head ${digest(JSON.stringify(head))}`;
  templates.set(head, template);
  return template;
}

function noneOf(none: unknown): string | undefined {
  if (none === undefined || none === null || none === false) {
    return undefined;
  }
  return none === true ? NONE : text('options.none', none);
}
