// A task call, as it can be answered on either side: nothing of it is shown before it stands.

import { KingletError } from '../errors.js';
import type { AnswerDecision } from '../escalation.js';
import type { Pending } from '../pending.js';
import type { Lasting } from '../lasting.js';
import type { Purse } from '../ledger/types.js';
import type { Payload } from '../remote/types.js';
import { collect, type Ending, type Shown } from '../shape.js';
import type { Done, Elsewhere } from '../tasks/index.js';
import { agree } from '../tasks/agree.js';
import { joined } from '../tasks/signals.js';
import type { Usage } from '../types.js';
import type { Acting } from './acting.js';
import { arrived } from './arrived.js';
import type { Plan } from './plan.js';
import { run } from './run.js';
import { checkable, checkAnswer } from './validate.js';

/** A task call. */
export interface Task<T> {
  pending: Pending;
  purse: Purse;
  local(rule: Pending['rule']): Promise<Done<T>>;
  elsewhere: Elsewhere<T>;
  complexity: number | undefined;
  link: Lasting;
  /** Which the app has said; else the one that an answer shows. */
  group: string | undefined;
}

/** Its answer. */
export interface Settled<T> {
  result: T;
  /** What was answered here, if anything was. */
  done: Done<T> | undefined;
  ending: Ending & { decision?: AnswerDecision };
  usage: Usage;
}

/** Passages that do not fit here: what the question needs of them. */
function shorterOf<T>(acting: Acting, { documents }: Elsewhere<T>, payload: Payload, link: Lasting, signal: AbortSignal | undefined): Pick<Plan, 'shorter'> {
  const { longDocuments } = acting.options;
  if (longDocuments === undefined || documents === undefined) {
    return {};
  }
  const { question, texts, messages } = documents;
  return { shorter: async () => ({ ...payload, messages: messages(await (await acting.reading()).digests(link, question, texts, longDocuments, signal)) }) };
}

/** What is sent of it. */
export function payloadOf({ messages, max_tokens, response_format }: Pick<Elsewhere<unknown>, 'messages' | 'max_tokens' | 'response_format'>): Payload {
  return { messages: messages(), max_tokens, temperature: 0, ...(response_format === undefined ? {} : { response_format }) };
}

/** What an answer comes to, in words. */
function wordsOf(result: object): string | undefined {
  const { label, value, answer, summary, verdict } = result as Record<string, unknown>;
  const said = label ?? answer ?? summary ?? verdict;
  return typeof said === 'string' ? said : value === undefined ? undefined : JSON.stringify(value);
}

/** Answers it. */
export async function task<T extends object>(acting: Acting, { pending, purse, local, elsewhere, complexity, group, link }: Task<T>, signal: AbortSignal | undefined): Promise<Settled<T>> {
  let done: Done<T> | undefined;
  let said: T | undefined;
  const { read } = elsewhere;
  const payload = payloadOf(elsewhere);
  const plan: Plan = {
    pending,
    purse,
    payload,
    arrived: () => arrived(link, signal),
    operation: purse.task ?? 'task',
    input: elsewhere.input,
    model: () => (link.known ? link.info.model : ''),
    handover: 'hold',
    probation: 0,
    tokens: async () => undefined,
    ...shorterOf(acting, elsewhere, payload, link, signal),
    local: (rule) => here(rule),
    checkable: () => checkable(payload as unknown as Record<string, unknown>),
    check: (remote, answer) => {
      checkAnswer(remote, payload as unknown as Record<string, unknown>, answer);
      said = read(answer.text, done);
      if (said === undefined) {
        throw new KingletError('remote_failed', `the answer of ${remote} is none of those that were asked for`, { remote, kind: 'invalid_output' });
      }
    },
    // As the task reads it: a label in quotation marks is that label.
    agree: (mine, theirs) => {
      const other = read(theirs, done);
      return other !== undefined && agree(mine, wordsOf(other) ?? theirs);
    },
  };
  async function* here(rule: Pending['rule']): AsyncGenerator<Shown, void, void> {
    done = await local(rule);
    const { found, spent, texts } = done;
    if (done.group !== undefined && group === undefined) {
      pending.grouped(done.group);
    }
    const { usage, timings, aborted } = spent;
    yield { text: texts.output ?? '', finish_reason: 'stop', usage, timings, signals: joined(spent.signals, { ...found, complexity }), ...(aborted === undefined ? {} : { aborted }) };
  }
  const { usage, ending } = await collect(run(acting, plan, signal));
  const result = ending.source === 'remote' ? said : done?.result;
  if (result === undefined) {
    throw new KingletError('internal', 'a request ended without an answer');
  }
  return { result, done, ending, usage };
}
