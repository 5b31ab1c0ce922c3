// Precision and recall of the redactor on labelled sentences: for each kind with n and a Wilson interval, as the table of
// docs/privacy.md. `node tools/pii.mjs [FILE] [--part scored|looked-at]`; the package must be built.
//
// Templates with an even number may be looked at while recognisers are written; only those with an odd number are scored.
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Dictionary } from '../pkg/dist/privacy/recognise/dictionary.js';
import { ENTITIES, spansOf } from '../pkg/dist/privacy/recognise/index.js';

/** The labels of the data, and the kind that stands for each; the others have none here. */
const KINDS = { EMAIL_ADDRESS: 'email', PHONE_NUMBER: 'phone', CREDIT_CARD: 'card', IBAN_CODE: 'iban', IP_ADDRESS: 'ip', DOMAIN_NAME: 'url' };
const NONE = new Dictionary([]);

/** The 95 % interval of a share. */
export function wilson(k, n, z = 1.959963984540054) {
  const share = k / n;
  const middle = (share + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

/** The rows of a part of the data. */
export function partOf(rows, part) {
  return rows.filter(({ template_id }) => template_id % 2 === (part === 'scored' ? 1 : 0));
}

/** Counts: of each kind what is labelled, found exactly, overlapped, covered whole; what was found, and rightly. */
export function score(rows) {
  const kinds = Object.fromEntries(['email', 'phone', 'card', 'iban', 'ip', 'url'].map((kind) => [kind, { labelled: 0, exact: 0, overlap: 0, covered: 0, found: 0, right: 0 }]));
  const all = { labelled: 0, covered: 0, others: {} };
  for (const { full_text: text, spans } of rows) {
    const found = spansOf(text, ENTITIES, NONE).filter(({ entity }) => entity !== 'text');
    const labels = spans.map((span) => ({ start: span.start_position, end: span.end_position, type: span.entity_type, kind: KINDS[span.entity_type] }));
    for (const { start, end, type, kind } of labels) {
      const over = found.filter((one) => one.start < end && one.end > start);
      const whole = over.some((one) => one.start <= start && one.end >= end); // whatever it was taken for
      all.labelled += 1;
      all.covered += Number(whole);
      if (kind === undefined) {
        const other = (all.others[type] ??= { labelled: 0, covered: 0 });
        other.labelled += 1;
        other.covered += Number(whole);
        continue;
      }
      const count = kinds[kind];
      count.labelled += 1;
      count.covered += Number(whole);
      count.overlap += Number(over.some((one) => one.entity === kind));
      count.exact += Number(over.some((one) => one.entity === kind && one.start === start && one.end === end));
    }
    for (const { start, end, entity } of found) {
      if (kinds[entity] === undefined) continue;
      kinds[entity].found += 1;
      kinds[entity].right += Number(labels.some((label) => label.kind === entity && label.start < end && label.end > start));
    }
  }
  return { rows: rows.length, kinds, all };
}

function share(k, n) {
  if (n === 0) return 'none there';
  const [low, high] = wilson(k, n).map((bound) => (100 * bound).toFixed(0));
  return `${(100 * (k / n)).toFixed(0)} % (${low}–${high}, ${k} of ${n})`;
}

/** The table in Markdown. */
export function table({ kinds, all }) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const lines = [
    line(['kind', 'recall: replaced whole', 'recall: found as this kind, exactly', 'recall: found as this kind, overlapping', 'precision, overlapping']),
    line(['---', '---', '---', '---', '---']),
    ...Object.entries(kinds).map(([kind, { labelled, exact, overlap, covered, found, right }]) => line([kind, share(covered, labelled), share(exact, labelled), share(overlap, labelled), share(right, found)])),
  ];
  const sum = Object.values(kinds).reduce((total, { labelled, covered }) => ({ labelled: total.labelled + labelled, covered: total.covered + covered }), { labelled: 0, covered: 0 });
  const names = Object.entries(all.others).toSorted(([, a], [, b]) => b.labelled - a.labelled).map(([type, { labelled, covered }]) => `${type} ${covered} of ${labelled}`);
  return `${lines.join('\n')}\n\nOf the six kinds together: ${share(sum.covered, sum.labelled)} replaced whole. Of everything that is labelled there, names and addresses included: ${share(all.covered, all.labelled)}.\nNot looked for, and replaced whole: ${names.join(', ')}.\n`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const args = process.argv.slice(2);
  const at = args.indexOf('--part');
  const part = at < 0 ? 'scored' : args[at + 1];
  if (part !== 'scored' && part !== 'looked-at') throw new Error(`--part: expected scored or looked-at, got ${part}`);
  const [file = fileURLToPath(new URL('../../shared/data/pii/presidio_synth_half.json', import.meta.url))] = args.filter((_, i) => at < 0 || (i !== at && i !== at + 1));
  const result = score(partOf(JSON.parse(readFileSync(file, 'utf8')), part));
  process.stdout.write(`${result.rows} sentences of the part ${part}\n\n${table(result)}`);
}
