// Whether a service answers with the model that was asked for, by what it calls it.

/** What follows a name where a version of the same model is meant: a date, four digits, or what stands behind an `@`. */
const VERSION = /^(?:-\d{4}-\d{2}-\d{2}|-\d{8}|-\d{4}|@.+)$/;

/** The last part of both is the same, or that of the answer is a version of the other: `openai/gpt-4o` and `gpt-4o-2024-08-06`. */
export function sameModel(asked: string, answered: string): boolean {
  const [mine, other] = [asked, answered].map((name) => name.slice(name.lastIndexOf('/') + 1));
  if (mine === undefined || other === undefined || mine === other) {
    return true;
  }
  const name = mine.replace(/-latest$/, '');
  return other.startsWith(name) && VERSION.test(other.slice(name.length));
}
