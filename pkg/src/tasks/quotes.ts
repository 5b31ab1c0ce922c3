// Whether what an answer says stands in what it was made from: quotations, numbers and names word for word, and how many of
// its words at all. Texts are compared as words: without case, accents, punctuation and white space.

/** A text as words: lower case, without accents; letters and digits of any script, and what joins digits. */
export function wordsOf(text: string): string[] {
  const plain = text.normalize('NFKD').replace(/\p{Mark}+/gu, '').toLowerCase();
  return plain.match(/\p{Number}+(?:[.,:]\p{Number}+)*|[\p{Letter}\p{Number}]+/gu) ?? [];
}

/** What stands between quotation marks, of any kind that comes in pairs; an apostrophe is none. */
const QUOTED = /"([^"]{2,400})"|“([^”]{2,400})”|„([^“”]{2,400})[“”]|«([^»]{2,400})»|‘([^’]{2,400})’(?!\p{Letter})/gu;

/** Quotations of a text, in order. */
export function quotations(text: string): string[] {
  return [...text.matchAll(QUOTED)].map((found) => found.slice(1).find((part) => part !== undefined) ?? '').filter((part) => wordsOf(part).length > 0);
}

/** Words that say nothing of what they stand in. English, as the project's own models are; others count all their words. */
const COMMON = new Set(
  'a an and are as at be been but by can could did do does for from had has have he her his i if in is it its me my no not of on or our she should so than that the their them then there they this to was we were what when where which who will with would yes you your'.split(' '),
);

/** How many words from a number others still say what it is a number of. */
const NEAR = 4;

/** Texts in which things are looked for. */
export class Source {
  /** Each text's words, with blanks around them, so that a word is never found within another. */
  private readonly texts: string[];
  private readonly vocabulary: Set<string>;
  private numbers: Set<number> | undefined;

  constructor(texts: readonly string[]) {
    const words = texts.map(wordsOf);
    this.texts = words.map((list) => ` ${list.join(' ')} `);
    this.vocabulary = new Set(words.flat());
  }

  /** Index of the first text that holds `part` word for word; undefined: none does, or it has no words. */
  find(part: string): number | undefined {
    const words = wordsOf(part);
    const at = words.length === 0 ? -1 : this.texts.findIndex((text) => text.includes(` ${words.join(' ')} `));
    return at < 0 ? undefined : at;
  }

  /** Whether one of the texts holds it. */
  has(part: string): boolean {
    return this.find(part) !== undefined;
  }

  /**
   * Index of the first text in which a number stands near one of `beside`, words of the answer around it: the same number of
   * something else is another one. Without such words it may stand anywhere.
   */
  findNumber(number: string, beside: readonly string[]): number | undefined {
    const at = this.texts.findIndex((text) => {
      const words = text.trim().split(' ');
      const near = (i: number) => words.slice(Math.max(0, i - NEAR), i + NEAR + 1).some((word) => beside.includes(word));
      return words.some((word, i) => word === number && (beside.length === 0 || near(i)));
    });
    return at < 0 ? undefined : at;
  }

  /** Whether one of the texts holds this number, however it is written: 1,250.00, 1.250,00 or 1250, two or 2. The sign is not looked at. */
  hasNumber(number: number): boolean {
    this.numbers ??= new Set([...this.vocabulary].flatMap(numbersOf));
    return this.numbers.has(Math.abs(number));
  }

  /** Share of the telling words of `text` that stand somewhere here; undefined: it has none. */
  coverage(text: string): number | undefined {
    const all = wordsOf(text);
    const telling = all.filter((word) => !COMMON.has(word));
    const counted = telling.length > 0 ? telling : all;
    return counted.length === 0 ? undefined : counted.filter((word) => this.vocabulary.has(word)).length / counted.length;
  }
}

/** Numbers that are written out. English; "one" is none, for it stands for much else. */
const NUMBERS = new Set(
  'two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million'.split(' '),
);

/** Those of them that say how many, in order from two. */
const COUNTS = [...NUMBERS].slice(0, 19);

/** What a word may mean as a number: a comma or a dot may part thousands or the fraction, so that "1,250" is two numbers. */
function numbersOf(word: string): number[] {
  if (!/^[0-9]+(?:[.,][0-9]+)*$/.test(word)) {
    return word === 'one' ? [1] : COUNTS.includes(word) ? [COUNTS.indexOf(word) + 2] : [];
  }
  return [word.replaceAll(',', ''), word.replaceAll('.', '').replace(',', '.')].map(Number).filter(Number.isFinite);
}

/** What an answer states word for word, and where each part stands. */
export interface Found {
  quotes: { text: string; passage: number | null }[];
  /** All of it stands there; undefined: it states nothing that could be looked for. */
  ok: boolean | undefined;
}

/**
 * Looks for an answer's quotations and numbers. An answer without either is looked for as a whole: found, it is a quotation;
 * not found, it may be in words of its own, and nothing is said.
 */
export function verify(answer: string, source: Source): Found {
  const whole = source.find(answer);
  if (whole !== undefined) {
    return { quotes: [{ text: answer.trim(), passage: whole }], ok: true };
  }
  const quoted = quotations(answer).map((text) => ({ text, passage: source.find(text) ?? null }));
  const words = wordsOf(answer);
  const numbers = words.flatMap((text, i) => {
    if (!isNumber(text)) {
      return [];
    }
    const beside = words.slice(Math.max(0, i - NEAR), i + NEAR + 1).filter((word) => !COMMON.has(word) && !isNumber(word));
    return [{ text, passage: source.findNumber(text, beside) ?? null }];
  });
  const quotes = [...quoted, ...numbers];
  return { quotes, ok: quotes.length === 0 ? undefined : quotes.every(({ passage }) => passage !== null) };
}

const isNumber = (word: string): boolean => /\p{Number}/u.test(word) || NUMBERS.has(word);
