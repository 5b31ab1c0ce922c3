// What the task calls share of their options.

import { kind, number, object, text } from '../check.js';
import { invalid, refuseOthers, signalIn } from '../params.js';
import type { Facts } from '../route/types.js';
import type { PromptStyle, TaskOptions } from './types.js';

/** What all tasks share of their options, checked. */
export interface Common<Parts> {
  signal: AbortSignal | undefined;
  style: PromptStyle | undefined;
  prompt: ((parts: Parts) => unknown) | undefined;
  task: string;
  group: string | undefined;
  complexity: number | undefined;
  facts: Facts;
  /** Answers that are compared, of a task that writes. */
  samples: number | undefined;
}

/** The common options; `own` are those of this task, which it reads itself. */
export function common<Parts>(name: string, options: TaskOptions<Parts> | undefined, own: readonly string[]): Common<Parts> {
  const given = object('options', options) as Partial<TaskOptions<Parts>> & { samples?: unknown };
  const { signal, style, prompt, task, group, complexity, facts, ...others } = given;
  refuseOthers('options', Object.fromEntries(Object.entries(others).filter(([key]) => !own.includes(key))), () => `an option of ${name}`);
  if (style !== undefined && style !== 'desk' && style !== 'instruct') {
    throw invalid('options.style', '"desk" or "instruct"', style);
  }
  if (prompt !== undefined && typeof prompt !== 'function') {
    throw invalid('options.prompt', 'a function', kind(prompt));
  }
  return {
    signal: signalIn({ signal: signal ?? null } as object),
    style,
    prompt,
    task: task === undefined ? name : text('options.task', task),
    group: group === undefined ? undefined : text('options.group', group),
    complexity: number('options.complexity', complexity, 0, 1),
    facts: object('options.facts', facts),
    samples: own.includes('samples') ? samplesOf(given.samples) : undefined,
  };
}

/** Answers that are compared: more than four cost more than they tell (`MOST_SAMPLES` of route/src/agree.rs). */
function samplesOf(value: unknown): number | undefined {
  const found = number('options.samples', value, 2, 4);
  if (found !== undefined && !Number.isInteger(found)) {
    throw invalid('options.samples', 'a whole number', found);
  }
  return found;
}
