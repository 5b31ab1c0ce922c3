// `filter`: pass, hold or unsure, with a risk for each side.

import { number, object, text } from '../check.js';
import { invalid, refuseOthers } from '../params.js';
import { choose, sizeOfChoice } from './ask.js';
import { common } from './check.js';
import type { ChatMessage } from '../types.js';
import type { Desk, Done } from './index.js';
import { elsewhereFor, messagesFor, modelOf, wordingOf } from './prompts.js';
import type { Filtered, FilterOptions } from './types.js';

const LABELS = ['pass', 'hold', 'unsure'] as const;

/** What a model other than the project's own is told to hold. */
const HOLD = 'spam, fraud, threats, insults, private data of others';

/** Risks that each side may bear, where the app says nothing: to let something through is worse than to look at it twice. */
const MAX_RISK = { pass: 0.1, hold: 0.25 };

/** See `Kinglet.filter`. */
export async function filter(desk: Desk, given: string, options?: FilterOptions): Promise<Filtered> {
  const own = common('filter', options, ['hold', 'maxRisk']);
  const hold = options?.hold === undefined ? HOLD : text('options.hold', options.hold);
  const most = risks(options?.maxRisk);
  await desk.there(own.signal);
  const parts = { text: text('text', given), hold };
  const messages = (): ChatMessage[] => messagesFor('filter', parts, modelOf(desk), own);
  const worded = (template: string): string => `${template} ${wordingOf('filter', parts, modelOf(desk), own)}`;
  const begun = await desk.begin(own, worded, () => sizeOfChoice(desk.link, messages(), LABELS));
  const local = async (): Promise<Done<Result>> => {
    await desk.link.live(own.signal);
    const choice = await choose(desk.link, { messages: messages(), labels: LABELS, always: [0, 1, 2] }, own.signal);
    const share = (label: 0 | 1): number => choice.scores[label]?.score ?? 0;
    const risk = { pass: 1 - share(0), hold: 1 - share(1) };
    const verdict = decide(choice.best, risk, most);
    const group = LABELS[choice.best]; // each side has a threshold of its own
    return { result: { verdict, risk }, found: {}, spent: choice, texts: { input: given, output: verdict }, ...(group === undefined ? {} : { group }) };
  };
  return desk.settle<Result>(begun, local, {
    input: given,
    messages: () => elsewhereFor('filter', parts, own),
    max_tokens: VERDICT_TOKENS,
    // Another model says a verdict, and nothing of its risk: where this one has said nothing either, it is the largest there is.
    read: (said, done) => {
      const verdict = LABELS.find((label) => label === said.trim().replace(/[.\s]+$/, '').toLowerCase());
      return verdict === undefined ? undefined : { verdict, risk: done?.result.risk ?? { pass: 1, hold: 1 } };
    },
  });
}

type Result = Omit<Filtered, 'kinglet'>;

/** Tokens of one word, at most, by any tokenizer. */
const VERDICT_TOKENS = 16;

function decide(best: number, risk: { pass: number; hold: number }, most: { pass: number; hold: number }): Filtered['verdict'] {
  if (best === 0 && risk.pass <= most.pass) {
    return 'pass';
  }
  return best === 1 && risk.hold <= most.hold ? 'hold' : 'unsure';
}

function risks(given: FilterOptions['maxRisk']): { pass: number; hold: number } {
  const { pass, hold, ...others } = object('options.maxRisk', given);
  refuseOthers('options.maxRisk', others, () => 'pass or hold');
  if (Array.isArray(given)) {
    throw invalid('options.maxRisk', '{pass, hold}', 'a list');
  }
  return {
    pass: number('options.maxRisk.pass', pass, 0, 1) ?? MAX_RISK.pass,
    hold: number('options.maxRisk.hold', hold, 0, 1) ?? MAX_RISK.hold,
  };
}
