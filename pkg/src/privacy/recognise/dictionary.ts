// The app's own words: whole ones, whatever their case, the longest first.

import { folded, viewsOf } from '../view.js';
import type { Found } from './types.js';

const WORD = /[\p{L}\p{N}\ud800-\udfff]/u;
/** Scripts that put no space between words: there no edge of a word is asked for. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

interface Node {
  next: Map<string, Node>;
  word: boolean;
}

/** A tree of the words' letters. */
export class Dictionary {
  private readonly root: Node = { next: new Map(), word: false };

  constructor(words: readonly string[]) {
    for (const word of words) {
      const [view] = viewsOf(word);
      let node = this.root;
      for (const char of view === undefined ? '' : folded(view).text.trim()) {
        const next: Node = node.next.get(char) ?? { next: new Map(), word: false };
        node.next.set(char, next);
        node = next;
      }
      node.word = node !== this.root;
    }
  }

  get empty(): boolean {
    return this.root.next.size === 0;
  }

  /** In a text that {@link folded} gave. */
  *find(text: string): Generator<Found> {
    for (let start = 0; start < text.length; start += 1) {
      const end = edge(text, start) ? this.longest(text, start) : start;
      if (end > start) {
        yield { start, end };
        start = end - 1;
      }
    }
  }

  private longest(text: string, start: number): number {
    let node: Node | undefined = this.root;
    let found = start;
    for (let at = start; at < text.length; ) {
      const char = String.fromCodePoint(text.codePointAt(at) ?? 0);
      node = node.next.get(char);
      if (node === undefined) {
        break;
      }
      at += char.length;
      found = node.word && edge(text, at) ? at : found;
    }
    return found;
  }
}

/** No word goes on across this place. */
function edge(text: string, at: number): boolean {
  const [before, after] = [text[at - 1] ?? ' ', text[at] ?? ' '];
  return !WORD.test(before) || !WORD.test(after) || UNSPACED.test(before) || UNSPACED.test(after);
}
