// Finding conversations by words of their titles and messages.

/** As letters are compared: without accents and case. */
const folded = (text) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();

/** What is looked for: all of its words. */
export const wordsOf = (query) => folded(query).split(/\s+/).filter(Boolean);

/** Characters that are shown around the first word found. */
const AROUND = 40;

/**
 * Where the words of a query are in a conversation: undefined where one of them is nowhere in it; else an excerpt of the message that has
 * the most of them ('' where the title has them all).
 */
export function found(words, { title }, messages) {
  const missing = new Set(words.filter((word) => !folded(title).includes(word)));
  if (missing.size === 0) return '';
  let best = { count: 0 };
  for (const { content } of messages) {
    const text = folded(content);
    const here = words.filter((word) => text.includes(word));
    for (const word of here) missing.delete(word);
    if (here.length > best.count) best = { count: here.length, content, word: here[0] };
  }
  return missing.size === 0 ? excerpt(best.content, best.word) : undefined;
}

/** Folding may change lengths, so the place is looked for once more in the text itself, letter by letter. */
function excerpt(content, word) {
  const letters = [...content];
  const starts = [];
  let text = '';
  for (const letter of letters) {
    starts.push(text.length);
    text += folded(letter);
  }
  const at = Math.max(starts.findLastIndex((start) => start <= text.indexOf(word)), 0);
  const [from, to] = [Math.max(at - AROUND, 0), Math.min(at + word.length + AROUND, letters.length)];
  const middle = letters.slice(from, to).join('').split(/\s+/).join(' ').trim();
  return `${from > 0 ? '…' : ''}${middle}${to < letters.length ? '…' : ''}`;
}
