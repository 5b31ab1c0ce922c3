// One chat: chunks as they come, or the whole answer. After the page was ended the same request goes on where the app's text ends.
import { EmbedError } from '../pkg/dist/embed/index.js';

/** Seeds are drawn here where none is given, so that the app can ask for the same answer again. */
const SEEDS = 2 ** 31;

/** `leaves`: there are remote models, which may answer. */
export async function chat(kinglet, { params, resume, leaves }, signal, say) {
  const seed = params.seed ?? Math.floor(Math.random() * SEEDS);
  const asked = { ...params, seed };
  if (resume !== undefined && resume.remote !== true && leaves) asked.messages = atHome(params.messages);
  say({ type: 'begun', seed: Number.isSafeInteger(seed) && seed >= 0 ? seed : null });
  if (params.stream !== true) return kinglet.chat.completions.create(asked, { signal });
  if (resume !== undefined && ((params.n ?? 1) !== 1 || params.tools != null)) {
    throw new EmbedError('bad_message', 'bad message: resume: expected one answer without tools', { param: 'resume', expected: 'n: 1, no tools' });
  }
  const stream = await kinglet.chat.completions.create(asked, { signal });
  if (resume === undefined) {
    for await (const chunk of stream) say({ type: 'chunk', chunk });
  } else {
    await goOn(stream, resume.text, say);
  }
  return null;
}

/** Says nothing of what the app has; where the answer is another one now, all of it takes the place of that. */
async function goOn(stream, known, say) {
  let text = '';
  let same = known !== '';
  for await (const chunk of stream) {
    const piece = chunk.choices[0]?.delta.content ?? '';
    text += piece;
    if (same && known.startsWith(text) && text.length < known.length) {
      if (chunk.choices[0]?.finish_reason == null) continue;
    }
    if (!same) {
      say({ type: 'chunk', chunk });
    } else if (text.startsWith(known)) {
      same = false;
      say({ type: 'chunk', chunk: withText(chunk, text.slice(known.length)) });
    } else {
      same = false;
      say({ type: 'replace', text });
      say({ type: 'chunk', chunk: withText(chunk, '') });
    }
  }
  if (same && text !== known) say({ type: 'replace', text });
}

/** The chunk with this text as its own. */
function withText(chunk, content) {
  const [choice, ...others] = chunk.choices;
  if (choice === undefined) return chunk;
  const { content: _, ...delta } = choice.delta;
  return { ...chunk, choices: [{ ...choice, delta: content === '' ? delta : { ...delta, content } }, ...others] };
}

/** The messages, of which none may leave: a request that perhaps was paid for is not paid for again unasked. */
function atHome(messages) {
  return Array.isArray(messages) ? messages.map((message) => ({ ...message, kinglet: { ...message?.kinglet, consent: 'never' } })) : messages;
}
