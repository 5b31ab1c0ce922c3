// How each task is worded. `desk`: the forms that the project's own models were trained on (models/desk/data/row.py); a test
// holds both to the same lines. `instruct`: plain words for any other model, what is the same in many requests first.

import { kind } from '../check.js';
import { digest } from '../hash.js';
import type { Lasting } from '../lasting.js';
import { invalid } from '../params.js';
import type { ChatMessage } from '../types.js';
import type { Passage, Prompt, PromptStyle } from './types.js';

/** White space to single blanks: a prompt of desk has one line for each part. */
export const oneLine = (text: string): string => text.trim().split(/\s+/).join(' ');

/** What every task is asked with. */
export interface Parts {
  classify: { text: string; labels: readonly string[] };
  extract: { text: string; schema: Record<string, unknown>; fields: readonly string[] };
  answer: { question: string; passages: readonly Passage[] };
  summarise: { text: string };
  filter: { text: string; hold: string };
}

/** What desk says when it does not know; other models are told to say the same. */
export const UNKNOWN = "I don't know.";

const listed = (labels: readonly string[]): string => labels.map((label) => `- ${label}`).join('\n');

const numbered = (passages: readonly Passage[]): string => passages.map(({ text }, i) => `[${i + 1}] ${text.trim()}`).join('\n\n');

type Wordings = { [Task in keyof Parts]: (parts: Parts[Task]) => string };

const WORDINGS: Record<PromptStyle, Wordings> = {
  desk: {
    classify: ({ text, labels }) => `classify: ${labels.map(oneLine).join(', ')}\nmessage: ${oneLine(text)}`,
    extract: ({ text, fields }) => `extract: ${fields.map(oneLine).join(', ')}\nmessage: ${oneLine(text)}`,
    answer: ({ question, passages }) => `answer: ${oneLine(question)}\npassage: ${oneLine(passages.map(({ text }) => text).join(' '))}`,
    summarise: ({ text }) => `summarise\nmessage: ${oneLine(text)}`,
    filter: ({ text }) => `filter\nmessage: ${oneLine(text)}`,
  },
  instruct: {
    classify: ({ text, labels }) =>
      `Which one of these labels fits the message best?\n${listed(labels)}\n\nMessage:\n${text.trim()}\n\nAnswer with the label alone, written as above.`,
    extract: ({ text, schema }) =>
      `Take the values that this JSON schema asks for out of the message. Copy them as they are written; null for what is not there.\n` +
      `Schema: ${JSON.stringify(schema)}\n\nMessage:\n${text.trim()}\n\nAnswer with the JSON alone.`,
    answer: ({ question, passages }) =>
      `Answer the question from the passages alone, in their own words and briefly. If they do not say it, answer: ${UNKNOWN}\n\n` +
      `${numbered(passages)}\n\nQuestion: ${question.trim()}`,
    summarise: ({ text }) =>
      `Summarise the text in one or two sentences. Say only what it says.\n\nText:\n${text.trim()}`,
    filter: ({ text, hold }) =>
      `Somebody wants to publish the message below. Hold it if it is one of these: ${hold}. Answer with one word: pass, hold, or unsure.\n\n` +
      `Message:\n${text.trim()}`,
  },
};

/** The model that is worded for, which may be another one after a load; empty before the first. */
export const modelOf = ({ link }: { link: Lasting }): string => (link.known ? link.info.model : '');

/** Models that know the forms of desk, by `general.name`. */
const DESK = new Set(['desk', 'desk-nano']);

/** Changes whenever a wording above does: answers to another one are calibrated anew. A test holds it to their texts. */
export const WORDINGS_VERSION = 1;

/** Requests whose words tell one function of the app's from another. */
export const SAMPLES: Parts = {
  classify: { text: 'a text', labels: ['a label', 'another label'] },
  extract: { text: 'a text', schema: { type: 'object', properties: { field: { type: 'string' } } }, fields: ['field'] },
  answer: { question: 'a question', passages: [{ text: 'a passage' }, { text: 'another passage' }] },
  summarise: { text: 'a text' },
  filter: { text: 'a text', hold: 'what is held' },
};

/** How a request is worded. */
interface Wording<Task extends keyof Parts> {
  style?: PromptStyle | undefined;
  prompt?: ((parts: Parts[Task]) => unknown) | undefined;
}

const styleOf = (model: string, own: { style?: PromptStyle | undefined }): PromptStyle => own.style ?? (DESK.has(model) ? 'desk' : 'instruct');

/**
 * What a calibration of this task's answers is bound to beside the chat template. A function of the app's is known by
 * what it says of a sample; one that fails there is known by this request alone, which no calibration fits.
 */
export function wordingOf<Task extends keyof Parts>(task: Task, parts: Parts[Task], model: string, own: Wording<Task>): string {
  if (own.prompt === undefined) {
    return `${task} ${styleOf(model, own)} ${WORDINGS_VERSION}`;
  }
  const said = (of: Parts[Task]): string => digest(JSON.stringify(messagesFor(task, of, model, own)));
  let words: string;
  try {
    words = said(SAMPLES[task]);
  } catch {
    words = `of ${said(parts)}`;
  }
  return `${task} own ${words}`;
}

/** How the same is asked of another model: in the app's words where there are some, and in none that are meant for a small one. */
export function elsewhereFor<Task extends keyof Parts>(task: Task, parts: Parts[Task], own: Wording<Task>): ChatMessage[] {
  return messagesFor(task, parts, '', { prompt: own.prompt, style: 'instruct' });
}

/** The messages of a request: worded by the app, or in the model's style. */
export function messagesFor<Task extends keyof Parts>(task: Task, parts: Parts[Task], model: string, own: Wording<Task>): ChatMessage[] {
  const prompt = own.prompt === undefined ? WORDINGS[styleOf(model, own)][task](parts) : (own.prompt(parts) as Prompt);
  if (typeof prompt === 'string' && prompt.trim() !== '') {
    return [{ role: 'user', content: prompt }];
  }
  if (Array.isArray(prompt) && prompt.length > 0) {
    return [...(prompt as readonly ChatMessage[])]; // the engine checks each
  }
  throw invalid('options.prompt', 'a function that gives a text or a list of messages', kind(prompt));
}
