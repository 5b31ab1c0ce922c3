// All that is looked for in a text, as ranges of it that do not overlap.

import type { Entity } from '../types.js';
import { folded, viewsOf, type View } from '../view.js';
import { cards } from './card.js';
import type { Dictionary } from './dictionary.js';
import { emails } from './email.js';
import { ibans } from './iban.js';
import { ips } from './ip.js';
import { phones } from './phone.js';
import { isSecret, secrets } from './secret.js';
import type { Found, Recogniser } from './types.js';
import { urls } from './url.js';

/** All kinds; of two findings of the same length the earlier kind is taken. */
export const ENTITIES: readonly Entity[] = ['secret', 'email', 'iban', 'card', 'url', 'ip', 'phone', 'dictionary'];

/** By kind; the dictionary is the app's. */
export const RECOGNISERS: Readonly<Record<Exclude<Entity, 'dictionary'>, Recogniser>> = {
  email: emails,
  phone: phones,
  card: cards,
  iban: ibans,
  ip: ips,
  url: urls,
  secret: secrets,
};

/** What a range of a text is: something that is looked for, or a text that looks like a placeholder. */
export interface Span {
  start: number;
  end: number;
  entity: Entity | 'text';
}

/** Texts that look like placeholders, or would with what follows them, or to who takes Markdown's backslashes away. */
const LOOKALIKE = /(?:\\?_){2}[A-Za-z]+\\?_\d+(?:(?:\\?_){2})?/g;

/** Too few digits for anything. */
const SHORT = /^-?[\d.e+-]{0,6}$/i;

/** Finds in `text` all of these kinds; `key` is the name of the field that it stands in, if it does. */
export function spansOf(text: string, entities: readonly Entity[], dictionary: Dictionary, key = ''): Span[] {
  const before = key === '' ? '' : `${key}: `;
  const found: Span[] = [];
  const secret = entities.includes('secret') && isSecret(key, text);
  if (!secret && dictionary.empty && SHORT.test(text)) {
    return []; // lists of numbers may be long
  }
  if (secret) {
    found.push({ start: 0, end: text.length, entity: 'secret' });
  }
  const add = (view: View, range: Found, entity: Span['entity']) => {
    const [start = 0, end = 0] = view.back(range.start, range.end).map((at) => Math.max(0, at - before.length));
    if (end > start) {
      found.push({ start, end, entity });
    }
  };
  for (const view of viewsOf(before + text)) {
    for (const { 0: all, index } of view.text.matchAll(LOOKALIKE)) {
      add(view, { start: index, end: index + all.length }, 'text');
    }
    for (const entity of entities) {
      const read = entity === 'dictionary' ? folded(view) : view;
      for (const range of entity === 'dictionary' ? dictionary.find(read.text) : RECOGNISERS[entity](view.text)) {
        add(read, range, entity);
      }
    }
  }
  return merged(found);
}

/** Findings that overlap become one, of the kind of the longest of them: nothing of any of them is left. */
export function merged(found: readonly Span[]): Span[] {
  const rank = ({ entity }: Span) => (entity === 'text' ? ENTITIES.length : ENTITIES.indexOf(entity));
  const length = ({ start, end }: Span) => end - start;
  const spans: { whole: Span; longest: Span }[] = [];
  for (const span of found.toSorted((a, b) => a.start - b.start || b.end - a.end || rank(a) - rank(b))) {
    const last = spans.at(-1);
    if (last === undefined || span.start >= last.whole.end) {
      spans.push({ whole: { ...span }, longest: span });
      continue;
    }
    last.whole.end = Math.max(last.whole.end, span.end);
    const longer = length(span) - length(last.longest) || rank(last.longest) - rank(span);
    last.longest = longer > 0 ? span : last.longest;
  }
  return spans.map(({ whole, longest }) => ({ ...whole, entity: longest.entity }));
}
