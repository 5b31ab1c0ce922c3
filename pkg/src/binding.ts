// What an answer was made with: what a calibration of such answers is bound to (docs/calibration.md).

import { digest } from './hash.js';
import type { Binding } from './route/types.js';
import type { Identity, Info } from './types.js';

/** How tasks choose tokens. */
export const GREEDY = 'greedy';

/** Stands for the chat template of what uses none, as the engine says it of a model that has none. */
export const NO_TEMPLATE = 'none';

/** Of a model of which its engine says nothing: no calibration fits. */
const UNKNOWN: Identity = { model_hash: '', quantization: '', tokenizer_hash: '', template_hash: '', signal_version: 0 };

/** Of one that is not there yet: none, either. */
export const UNBOUND: Binding = { ...UNKNOWN, sampler: '' };

/** What the engine says of the model that it has loaded. */
export function identityOf({ binding }: { binding?: Identity }): Identity {
  return binding ?? UNKNOWN;
}

/** `template`: of the chat template and the task's wording, where it is more than the former. */
export function bindingOf(info: Info, sampler: string, template = identityOf(info).template_hash): Binding {
  return { ...identityOf(info), template_hash: template, sampler };
}

/** What `kinglet` of a request says of sampling, and the default of each. */
const OWN = { top_k: 0, min_p: 0, repeat_penalty: 1 } as const;

/**
 * What chooses a request's tokens, in one text: `greedy`, or `t=0.7 k=40 p=0.9 min_p=0.05`, then penalties and biases, each
 * only where it does something. The seed is no part of it, nor is a grammar, which is a part of what is asked.
 */
export function samplerOf(request: Readonly<Record<string, unknown>>): string {
  const own = (request['kinglet'] ?? {}) as Readonly<Record<string, unknown>>;
  const given = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);
  const parts: string[] = [];
  const say = (name: string, value: number, silent: number): boolean => value !== silent && parts.push(`${name}=${value}`) > 0;
  const temperature = given(request['temperature'], 1);
  if (temperature === 0) {
    parts.push(GREEDY);
  } else {
    parts.push(`t=${temperature}`);
    say('k', given(own['top_k'], OWN.top_k), OWN.top_k);
    say('p', given(request['top_p'], 1), 1);
    say('min_p', given(own['min_p'], OWN.min_p), OWN.min_p);
  }
  const penalties = [
    say('presence', given(request['presence_penalty'], 0), 0),
    say('frequency', given(request['frequency_penalty'], 0), 0),
    say('repeat', given(own['repeat_penalty'], OWN.repeat_penalty), OWN.repeat_penalty),
  ];
  if (penalties.includes(true)) {
    say('last', given(own['repeat_last_n'], 64), 64);
  }
  const biases = Object.entries((request['logit_bias'] ?? {}) as object).toSorted(([a], [b]) => Number(a) - Number(b));
  if (biases.length > 0) {
    parts.push(`bias=${digest(JSON.stringify(biases))}`);
  }
  return parts.join(' ');
}
