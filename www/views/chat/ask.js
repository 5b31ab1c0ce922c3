// Asking the engine: an answer as it comes, and what is to be known of it when it is there.

import { TASK } from '../../escalation/thumbs.js';
import { sureness } from './sure.js';

/** Whether a model is desk, its smaller sibling, or was made from them: a model of tasks, each of which stands alone. */
export const isDesk = (info) => Boolean(info?.chat_template) && /\bdesk\b/i.test(info.model);

/**
 * Asks; when the limit of tokens does not fit beside the prompt, asks again for as many as do. An async generator of `{content}`; the last value
 * has `answer`, `finish`, `firstMs`, and where they are known `sure` and `room`.
 */
async function* fitting(ask, limits) {
  try {
    yield* ask(limits);
  } catch (error) {
    const room = error.code === 'context_overflow' ? error.detail.n_ctx - error.detail.prompt : 0;
    if (!(room >= 1)) throw error;
    for await (const value of ask({ ...limits, max_tokens: room })) yield { ...value, room };
  }
}

/** An answer to `messages`, by the model's chat template. */
export function askChat({ kinglet, messages, limits, logprobs, signal }) {
  const ask = (limits) =>
    follow(kinglet, () =>
      kinglet.chat.completions.create({
        ...limits,
        ...(logprobs ? { logprobs: true } : {}),
        messages,
        stream: true,
        stream_options: { include_usage: true },
        kinglet: { facts: { task: TASK } }, // what ratings and a profile of them are about
        signal,
      }),
    );
  return fitting(ask, limits);
}

/** How `prompt` goes on: for models without a chat template. */
export function continueText({ kinglet, prompt, limits, signal }) {
  const ask = (limits) =>
    follow(kinglet, () => kinglet.completions.create({ ...limits, prompt, stream: true, stream_options: { include_usage: true }, signal }));
  return fitting(ask, limits);
}

/** Folds a stream. What `choices` get stands; until then what the parts say is shown (docs/escalation.md). */
async function* follow(kinglet, create) {
  const asked = performance.now();
  const shown = new Provisional();
  const logprobs = [];
  let stands = '';
  let [finish, firstMs, usage, id] = [];
  let own = {};
  for await (const chunk of await create()) {
    id ??= chunk.id;
    usage = chunk.usage ?? usage;
    if (chunk.kinglet) {
      const { parts, ...rest } = chunk.kinglet;
      own = { ...own, ...rest };
      shown.take(parts);
    }
    const choice = chunk.choices[0];
    if (choice) {
      stands += choice.delta ? (choice.delta.content ?? '') : choice.text;
      finish = choice.finish_reason ?? finish;
      for (const { logprob } of choice.logprobs?.content ?? []) logprobs.push(logprob);
    }
    const content = shown.text ?? stands;
    if (content !== '') firstMs ??= performance.now() - asked;
    yield { content };
  }
  const full = finish === 'length' && own.source !== 'remote' && usage?.total_tokens >= (await kinglet.contextUsage()).total;
  const sure = own.source === 'remote' ? undefined : sureness(logprobs);
  yield { content: stands, answer: { ...own, id, usage }, finish: full ? 'full' : finish, firstMs, ...(sure ? { sure } : {}) };
}

/** The text that is shown of a hand-over: `undefined` where there is none, and what stands is all that there is. */
class Provisional {
  #texts = new Map();
  #shown;

  take(parts = []) {
    for (const part of parts) {
      if (part.type === 'segment') {
        this.#texts.set(part.id, '');
        this.#shown ??= part.id;
      } else if (part.type === 'delta') {
        this.#texts.set(part.segment, (this.#texts.get(part.segment) ?? '') + part.text);
      } else if (part.type === 'replace') {
        this.#shown = part.to;
      } else if (part.type === 'commit') {
        this.#shown = part.segment;
      }
    }
  }

  get text() {
    return this.#shown === undefined ? undefined : this.#texts.get(this.#shown);
  }
}
