// Redacts a text that is JSON so that it stays JSON: within its strings, and numbers as strings. All else stays letter by letter.

/** What replaces texts. */
export interface Texts {
  text(value: string, key?: string): string;
}

/** Strings, and whatever else is a value by itself. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** JSON in strings of JSON is followed so far; deeper down it is read as text. */
const DEEPEST = 8;

/** Undefined where the text is no JSON. */
export function redactedJson(text: string, texts: Texts, depth = 0): string | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  let key = '';
  let out = '';
  let from = 0;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const end = index + token.length;
    const names = token.startsWith('"') && /^\s*:/.test(text.slice(end, end + 64));
    const put = token.startsWith('"') ? string(token, names ? '' : key, texts, depth) : number(token, key, texts);
    out += text.slice(from, index) + put;
    from = end;
    if (names) {
      key = token.length <= 200 ? (JSON.parse(token) as string) : '';
    } else if (/^\s*\}/.test(text.slice(end, end + 64))) {
      key = '';
    }
  }
  return out + text.slice(from);
}

function string(token: string, key: string, texts: Texts, depth: number): string {
  const value = JSON.parse(token) as string;
  const inner = depth < DEEPEST && /^\s*[{["]/.test(value) ? redactedJson(value, texts, depth + 1) : undefined;
  const redacted = inner ?? texts.text(value, key);
  return redacted === value ? token : JSON.stringify(redacted);
}

function number(token: string, key: string, texts: Texts): string {
  const redacted = texts.text(token, key);
  return redacted === token ? token : JSON.stringify(redacted);
}
