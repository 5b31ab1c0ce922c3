// Long documents in pieces that fit into a prompt: whole sentences, as many as make so many words.

/** A piece of a document: `text.slice(start, end)`. */
export interface Chunk {
  text: string;
  start: number;
  end: number;
}

/** A sentence ends with its mark and what closes it, before white space; a heading or an item of a list, with its line. A row of
 * marks is tried once, from its first: a document of dots alone takes no longer than another. */
const ENDS = /(?<![.!?…])[.!?…]+["'”’»)\]]*(?=\s|$)|[。！？]|\n\s*\n|\n(?=\s*(?:[-*•#]|\d+[.)]))/gu;
/** A word that is longer is none of a language: each so many characters of it count as one, and it is cut between them. */
const LONGEST_WORD = 64;
/** Words before a dot that is no end, and what looks like initials. */
const SHORT = /(?:^|[\s(])(?:e\.g|i\.e|etc|vs|approx|dr|mr|mrs|ms|prof|no|fig|st|\p{Lu})\.$/iu;

/** Sentences as places in the text. */
export function sentences(text: string): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  let start = 0;
  const take = (end: number) => {
    if (text.slice(start, end).trim() !== '') {
      found.push({ start, end });
      start = end;
    }
  };
  for (const match of text.matchAll(ENDS)) {
    const end = match.index + match[0].length;
    if (match[0].trim() !== '.' || !SHORT.test(text.slice(Math.max(0, end - 12), end))) {
      take(end);
    }
  }
  take(text.length);
  return found;
}

/**
 * Pieces of at most `words` words: as many sentences as fit. A sentence that alone is longer is cut between words.
 */
export function chunksOf(text: string, words: number): Chunk[] {
  const chunks: Chunk[] = [];
  let open: { start: number; end: number; words: number } | undefined;
  const close = () => {
    if (open !== undefined) {
      chunks.push(trimmed(text, open.start, open.end));
      open = undefined;
    }
  };
  for (const { start, end } of sentences(text).flatMap((sentence) => cut(text, sentence, words))) {
    const count = wordCount(text.slice(start, end));
    if (open !== undefined && open.words + count > words) {
      close();
    }
    open = open === undefined ? { start, end, words: count } : { start: open.start, end, words: open.words + count };
  }
  close();
  return chunks;
}

/** Words, or pieces of what is none, with the white space behind them; no character is cut into halves. */
const WORDS = new RegExp(`\\S{1,${LONGEST_WORD}}\\s*`, 'gu');

const wordCount = (text: string): number => text.match(WORDS)?.length ?? 0;

function cut(text: string, { start, end }: { start: number; end: number }, words: number): { start: number; end: number }[] {
  const parts: { start: number; end: number }[] = [];
  let [from, count] = [start, 0];
  for (const word of text.slice(start, end).matchAll(WORDS)) {
    const at = start + word.index;
    if (count === words) {
      parts.push({ start: from, end: at });
      [from, count] = [at, 0];
    }
    count += 1;
  }
  parts.push({ start: from, end });
  return parts;
}

function trimmed(text: string, start: number, end: number): Chunk {
  const part = text.slice(start, end);
  const lead = part.length - part.trimStart().length;
  const said = part.trim();
  return { text: said, start: start + lead, end: start + lead + said.length };
}
