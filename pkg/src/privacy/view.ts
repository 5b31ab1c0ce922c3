// A text as recognisers read it: look-alike letters and digits as plain ones, nothing invisible, escapes undone; and where each
// piece of it stands in the text itself.

/** What a recogniser reads, and the way back. */
export interface View {
  text: string;
  /** Where a range of {@link text} stands in the original. */
  back(start: number, end: number): [number, number];
}

/** Nothing in it has another form. */
const PLAIN = /^[\t\n\r\x20-\x7e]*$/;
/** Letters that show nothing, format characters, and control characters that are not white space. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/u;
const MARK = /\p{M}/u;
const MARKS = /\p{M}/gu;
const DIGIT = /\p{Nd}/u;
/** Of JSON and JavaScript, of addresses, and of HTML. */
const ESCAPE = /\\(?:u([0-9a-f]{4})|u\{([0-9a-f]{1,6})\}|x([0-9a-f]{2})|(["'\\/bfnrt]))|%([0-7][0-9a-f])|&#(?:(\d{1,7})|x([0-9a-f]{1,6}));?/gi;
const SHORT: Readonly<Record<string, string>> = { b: ' ', f: ' ', n: '\n', r: '\n', t: '\t' };
/** How often escapes are undone that stand in escapes. */
const DEEPEST = 3;

/** A text, and the ways in which it may be read: as it is, and with its escapes undone. */
export function viewsOf(text: string): View[] {
  const views = [normalised(whole(text))];
  let escaped = whole(text);
  for (let depth = 0; depth < DEEPEST; depth += 1) {
    const next = unescaped(escaped);
    if (next === undefined) {
      break;
    }
    escaped = next;
    views.push(normalised(next));
  }
  return views;
}

/** For the words of a dictionary: no case, no marks, white space as one space. */
export function folded(view: View): View {
  const maker = new Maker(view);
  let blank = false;
  for (const [char, at] of points(view.text)) {
    const space = /\s/u.test(char);
    if (!space) {
      maker.add(char.toUpperCase().toLowerCase(), at, at + char.length);
    } else if (!blank) {
      maker.add(' ', at, at + char.length);
    }
    blank = space;
  }
  return maker.view();
}

function whole(text: string): View {
  return { text, back: (start, end) => [start, end] };
}

function normalised(view: View): View {
  if (PLAIN.test(view.text)) {
    return view;
  }
  const maker = new Maker(view);
  const known = new Map<string, string>();
  for (const [char, at] of points(view.text)) {
    const found = known.get(char) ?? plain(char);
    known.set(char, found);
    if (found === '' && MARK.test(char)) {
      maker.extend(at + char.length);
    } else {
      maker.add(found, at, at + char.length);
    }
  }
  return maker.view();
}

/** A character without what only looks different. */
function plain(char: string): string {
  if (char.length === 1 && PLAIN.test(char)) {
    return char;
  }
  if (INVISIBLE.test(char)) {
    return '';
  }
  if (DIGIT.test(char)) {
    return digit(char);
  }
  if (/\p{Pd}|\u2212/u.test(char)) {
    return '-';
  }
  if (/\p{Zs}/u.test(char)) {
    return ' ';
  }
  return char.normalize('NFKD').replace(MARKS, '');
}

/** Ten digits stand in a row, the zero at an address that ends in 0 or 6; those that do not have a plain form. */
function digit(char: string): string {
  const form = char.normalize('NFKD');
  if (/^[0-9]$/.test(form)) {
    return form;
  }
  const code = char.codePointAt(0) ?? 0;
  const row = code - (code % 16);
  const zero = code % 16 < 6 || DIGIT.test(String.fromCodePoint(row)) ? row : row + 6;
  return String((code - zero) % 10);
}

function unescaped(view: View): View | undefined {
  const maker = new Maker(view);
  let from = 0;
  for (const match of view.text.matchAll(ESCAPE)) {
    maker.copy(from, match.index);
    from = match.index + match[0].length;
    maker.add(meant(match), match.index, from);
  }
  maker.copy(from, view.text.length);
  return from === 0 ? undefined : maker.view();
}

function meant([all, unit, point, byte, short, percent, decimal, hex]: RegExpMatchArray): string {
  if (short !== undefined) {
    return SHORT[short] ?? short;
  }
  if (unit !== undefined) {
    return String.fromCharCode(parseInt(unit, 16)); // half of a pair may be one: the other half follows
  }
  const code = decimal === undefined ? parseInt(point ?? byte ?? percent ?? hex ?? '', 16) : Number(decimal);
  return code <= 0x10ffff ? String.fromCodePoint(code) : all;
}

/** The characters of a text, and where each begins. */
function* points(text: string): Generator<[string, number]> {
  let at = 0;
  for (const char of text) {
    yield [char, at];
    at += char.length;
  }
}

/** Collects a view of another one. */
class Maker {
  private readonly pieces: string[] = [];
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];

  constructor(private readonly of: View) {}

  /** All of `piece` stands for this range. */
  add(piece: string, start: number, end: number): void {
    this.pieces.push(piece);
    for (let i = 0; i < piece.length; i += 1) {
      this.starts.push(start);
      this.ends.push(end);
    }
  }

  copy(start: number, end: number): void {
    this.pieces.push(this.of.text.slice(start, end));
    for (let i = start; i < end; i += 1) {
      this.starts.push(i);
      this.ends.push(i + 1);
    }
  }

  /** What was added last goes as far as this. */
  extend(end: number): void {
    if (this.ends.length > 0) {
      this.ends[this.ends.length - 1] = end;
    }
  }

  view(): View {
    const { of, starts, ends } = this;
    return { text: this.pieces.join(''), back: (start, end) => of.back(starts[start] ?? 0, ends[end - 1] ?? 0) };
  }
}
