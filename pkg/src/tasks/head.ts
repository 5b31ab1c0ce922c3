// Heads: labels from the engine's hidden state, by a linear model that is fitted to examples on the device. What is fitted and
// how it is stored: route/src/head.

import { identityOf } from '../binding.js';
import { kind, number, object, text } from '../check.js';
import { invalid, refuseOthers, signalIn } from '../params.js';
import type { Vector } from '../protocol.js';
import type { Heads } from '../route/heads.js';
import { pieces } from '../stream.js';
import type { Timings, Usage } from '../types.js';
import type { Desk } from './index.js';
import type { Example, FitOptions, Head, LabelScore } from './types.js';

/** How a text becomes a state: alone, as the mean of its tokens' states. Part of what a head is bound to. */
const STATE = 'mean of the text alone, 1';
/** Texts in one request for states. */
const BATCH = 256;

/** What the head that is fitted here is bound to. */
function bindingOf({ link }: Desk): string {
  const { model_hash, quantization, tokenizer_hash } = identityOf(link.info);
  return JSON.stringify({ model_hash, quantization, tokenizer_hash, state: STATE });
}

/** See `Kinglet.fitHead`. */
export async function fitHead(desk: Desk, examples: readonly Example[], options?: FitOptions): Promise<Head> {
  const { c, signal, ...others } = object('options', options);
  refuseOthers('options', others, () => 'c or signal');
  const list = checked(examples);
  const names = [...new Set(list.map(({ label }) => label))].toSorted();
  const index = new Map(names.map((name, i) => [name, i]));
  const states: Float32Array[] = [];
  for (let at = 0; at < list.length; at += BATCH) {
    const batch = await statesOf(desk, list.slice(at, at + BATCH).map((one) => one.text), signalIn(signal === undefined ? undefined : { signal }));
    states.push(...batch.states);
  }
  const dimensions = states[0]?.length ?? 0;
  const flat = new Float32Array(states.length * dimensions);
  states.forEach((state, i) => flat.set(state, i * dimensions));
  const labels = Uint32Array.from(list, ({ label }) => index.get(label) ?? 0);
  const strength = number('options.c', c, 1e-6, 1e6);
  const heads = await desk.heads();
  return JSON.parse(heads.fit(flat, labels, names, bindingOf(desk), strength === undefined ? {} : { c: strength })) as Head;
}

/** What a head says of a text. */
export interface Judged {
  scores: LabelScore[];
  usage: Usage;
  timings: Timings;
}

/** Asks a head. */
export async function judge(desk: Desk, head: Head, given: string, signal: AbortSignal | undefined): Promise<Judged> {
  const opened = await open(desk, head);
  const begun = performance.now();
  const { states, usage } = await statesOf(desk, [given], signal);
  const [labels, shares] = opened.call((head) => [head.labels(), head.predict(states[0] ?? new Float32Array())]);
  const scores = labels.map((label, i): LabelScore => ({ label, score: shares[i] ?? 0 })).toSorted((a, b) => b.score - a.score);
  return { scores, usage, timings: { prefill_ms: performance.now() - begun, decode_ms: 0, reused_tokens: 0 } };
}

/** Heads in the Wasm module, as long as the app keeps the object that each was read from. */
const opened = new WeakMap<Head, { model: string; head: Opened }>();
type Opened = ReturnType<Heads['open']>;

async function open(desk: Desk, head: Head): Promise<Opened> {
  if (typeof head !== 'object' || head === null) {
    throw invalid('options.head', 'what fitHead gave', kind(head));
  }
  const model = bindingOf(desk);
  const before = opened.get(head);
  if (before?.model === model) {
    return before.head;
  }
  const fresh = (await desk.heads()).open(head, model);
  opened.set(head, { model, head: fresh });
  return fresh;
}

/** Heads of lists of examples, fitted once each. */
const fitted = new WeakMap<readonly Example[], Map<string, Promise<Head>>>();

/** The head of a list of examples: fitted when it is first seen. */
export function headOf(desk: Desk, examples: readonly Example[]): Promise<Head> {
  if (!Array.isArray(examples)) {
    throw invalid('options.examples', 'a list of {text, label}', kind(examples));
  }
  const model = bindingOf(desk);
  const own = fitted.get(examples) ?? new Map<string, Promise<Head>>();
  fitted.set(examples, own);
  let head = own.get(model);
  if (head === undefined) {
    head = fitHead(desk, examples);
    own.set(model, head);
    head.catch(() => own.delete(model)); // the next call tries again
  }
  return head;
}

async function statesOf(desk: Desk, input: readonly string[], signal: AbortSignal | undefined): Promise<{ states: Float32Array[]; usage: Usage }> {
  const states: Float32Array[] = [];
  let usage: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
  for await (const { embedding, usage: spent } of pieces<Vector>(desk.link, 'embedding', { input, kinglet: { pooling: 'mean' } }, signal)) {
    states.push(Float32Array.from(embedding));
    usage = spent ?? usage;
  }
  return { states, usage };
}

function checked(examples: unknown): Example[] {
  if (!Array.isArray(examples)) {
    throw invalid('examples', 'a list of {text, label}', kind(examples));
  }
  return examples.map((one: unknown, i) => {
    if (typeof one !== 'object' || one === null) {
      throw invalid(`examples[${i}]`, '{text, label}', kind(one));
    }
    const { text: said, label, ...others } = one as Example;
    refuseOthers(`examples[${i}]`, others, () => 'text or label');
    return { text: text(`examples[${i}].text`, said), label: text(`examples[${i}].label`, label) };
  });
}
