// What the user does with a conversation: send, stop, another answer, edit, continue; and which model is asked for it, and with what.

import { askDocuments, documentsOn, labelsOf } from '../../documents/ask.js';
import { engine } from '../../services/engine.js';
import { samplingSettings } from '../../services/settings.js';
import { again, answering, elsewhere, fail, path, say, session, takeBack } from './session.js';
import { askChat, continueText, isDesk } from './ask.js';

/** Whether something can be asked now. */
export const canAsk = () => engine.value.status === 'ready' && !answering() && !elsewhere();

/** Models without a chat template only go on with a text. */
export const isRaw = () => engine.value.status === 'ready' && engine.value.info?.chat_template === false;

/** The file of a model chooses its name, of any length. */
const modelName = () => (engine.value.info?.model || engine.value.model?.name)?.slice(0, 300);

/** The engine's limits for an answer; desk's tasks have one right answer each. */
function limits() {
  const { temperature, maxTokens } = samplingSettings.value;
  return { temperature: isDesk(engine.value.info) ? 0 : temperature, ...(maxTokens ? { max_tokens: maxTokens } : {}) };
}

/** A conversation as the model gets it: without what came to nothing. Tasks stand alone: desk remembers nothing. */
async function history(way) {
  const { system } = samplingSettings.value;
  if (isDesk(engine.value.info)) return [{ role: 'user', content: way.at(-1).content }];
  const said = [];
  for (const message of way) {
    const { role, content } = message;
    // What an answer took from documents is labelled as they are, wherever it goes next.
    const kinglet = await labelsOf(message);
    if (role === 'assistant' && content === '') said.pop();
    else said.push({ role, content, ...(kinglet ? { kinglet } : {}) });
  }
  return [...(system.trim() ? [{ role: 'system', content: system.trim() }] : []), ...said];
}

/** Answers the last message of `way`. */
async function* source(signal, way) {
  const { kinglet, info } = engine.value;
  if (isRaw()) yield* continueText({ kinglet, prompt: way.map(({ content }) => content).join(''), limits: limits(), signal });
  else if (documentsOn()) yield* askDocuments({ kinglet, question: way.at(-1).content, signal });
  else yield* askChat({ kinglet, messages: await history(way), limits: limits(), logprobs: isDesk(info), signal });
}

/** Errors that say that the question itself cannot be asked: it is given back, to be changed. */
const GIVEN_BACK = ['context_overflow', 'template_refused', 'invalid_request'];

/** Sends a message; resolves to false where it was given back. `parent`: of an edited one. */
export async function send(content, { parent, title } = {}) {
  if (!canAsk()) return false;
  fail(undefined);
  const raw = isRaw();
  if (raw && content === '') return goOn();
  const ended = await say({ content, parent, source, model: modelName(), raw, title });
  return settle(ended);
}

/** A text goes on where it ends. */
async function goOn() {
  const last = path().at(-1);
  if (last) await again({ parent: last.id, source, model: modelName(), raw: true });
  return true;
}

/** What could not even be asked is taken back, the error said. */
async function settle(ended) {
  const { message, error } = ended ?? {};
  if (!error || message.content !== '' || !GIVEN_BACK.includes(error.code)) return true;
  if (session.value.id === message.conversation) fail(error);
  await takeBack(message);
  return false;
}

/** Another answer to the same. */
export async function regenerate({ parent }) {
  if (!canAsk() || parent === null) return;
  fail(undefined);
  await again({ parent, source, model: modelName(), raw: isRaw() });
}

/** Another answer takes a message's place: the old one stays beside it. `run(signal)`: `{content}` as it grows, the last with `answer`. */
export const replaceWith = (message) => async (run) => {
  if (answering()) return;
  await again({ parent: message.parent, source: (signal) => run(signal), model: message.model, raw: message.raw });
};

export const stop = () => answering()?.control.abort();
