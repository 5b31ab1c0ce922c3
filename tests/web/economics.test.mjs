// The economics that docs/economics.md shows: the table of the real outcomes is what the tool prints, and the accounts of a small day
// agree; each of them, changed by one, is noticed.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { judge, read } from '../../tools/economics_check.mjs';
import { day, right } from '../../tools/economics_day.mjs';
import { csv, nativeTool, outcomes, quality, rowsOf } from '../../tools/economics_quality.mjs';
import { notBuilt } from './support/browser.mjs';
import { noDesk } from './support/desk.mjs';
import { noRealServer, noRelay } from './support/real-llm.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const data = process.env.KINGLET_SHARED ?? resolve(root, '../shared');
const folder = join(data, 'data/routing/mmlu_outcomes');
const prices = join(root, 'tests/cases/economics_prices.json');
const soak = process.env.KINGLET_SOAK !== undefined;
const noOutcomes = existsSync(folder) ? false : 'no shared data: data/routing';
const noTool = noOutcomes || (nativeTool() ? false : 'no native tool: cargo build -p kinglet-cli');
const noModels = notBuilt() ?? noDesk() ?? false;

let temporary;
before(() => {
  temporary = mkdtempSync(join(tmpdir(), 'kinglet-economics-'));
});
after(() => rmSync(temporary, { recursive: true }));

test('the halves of the outcomes are those of the independent script', { skip: noOutcomes }, () => {
  const expected = JSON.parse(readFileSync(join(root, 'tests/cases/route_outcomes.json'), 'utf8'));
  const questions = outcomes(folder);
  const judged = questions.filter((one) => one.judged);
  assert.deepEqual([questions.length, judged.length], [expected.n, expected.n_judged]);
  const share = (get) => judged.filter(get).length / judged.length;
  assert.ok(Math.abs(share(({ weak }) => weak) - expected.weak) < 1e-12);
  assert.ok(Math.abs(share(({ strong }) => strong) - expected.strong) < 1e-12);
  const rows = rowsOf(questions, JSON.parse(readFileSync(prices, 'utf8')), 7.2);
  const delivered = rows.reduce((sum, { costs }) => sum + costs.local, 0);
  assert.equal(delivered, Math.round(7.2 * rows.length), 'all of the delivery is paid');
});

test('a CSV with quotes, commas and lines in its fields', () => {
  assert.deepEqual(csv('a,b\n"x ""y"", z\nw",1\n,2\n'), [{ a: 'x "y", z\nw', b: '1' }, { a: '', b: '2' }]);
});

test('docs/economics.md has the table that the tool prints', { skip: noTool }, () => {
  const docs = readFileSync(join(root, 'docs/economics.md'), 'utf8');
  const replicates = soak ? 1000 : 20;
  // Intervals and their number of resamples are compared in the soak; values are the same with any.
  const plain = (text) => (soak ? text : text.replaceAll(/ \[[^\]]*\]/g, '').replace(/\d+ resamples/, ''));
  const printed = quality({ data, prices, replicates });
  assert.ok(plain(docs).includes(plain(printed)), `docs/economics.md has another table than:\n${printed}`);
  const dearer = join(temporary, 'dearer.json');
  const changed = JSON.parse(readFileSync(prices, 'utf8'));
  changed.cheap.inputPerMillion *= 2;
  writeFileSync(dearer, JSON.stringify(changed));
  assert.ok(!plain(docs).includes(plain(quality({ data, prices: dearer, replicates }))), 'another price is noticed');
});

test('what is right', () => {
  const question = (task, answer, more = {}) => ({ task, answer, accept: [], labels: [], ...more });
  assert.ok(right(question('classify', 'a', { labels: ['a', 'b'] }), 'a'));
  assert.ok(!right(question('classify', 'a', { labels: ['a', 'b'] }), 'A'));
  assert.ok(right(question('extract', '{"a": "1", "b": "2"}'), '{"b":"2","a":"1"}'));
  assert.ok(!right(question('extract', '{"a": "1"}'), '{"a": "2"}') && !right(question('extract', '{"a": "1"}'), 'no'));
  assert.ok(right(question('chat', 'You are welcome!', { accept: ['My pleasure.'] }), ' my  pleasure'));
});

/** Every account that a recorded day has, off by one or told otherwise; false: this day has no such account. */
const PERTURBED = {
  'the ledger\'s money': ({ lines }) => (lines.find(left).ledger.at(-1).cost += 1),
  'the ledger\'s tokens': ({ lines }) => (lines.find(left).ledger.at(-1).input_tokens -= 1),
  'the server\'s tokens': ({ lines }) => (lines.find(left).server.predicted += 1),
  'tokens of a server that nobody asked': ({ lines }) => (lines.find((line) => !left(line)).server.prompt = 1),
  'the relay\'s money': ({ meta, lines }) => meta.relay && (lines.find(left).relay.cost += 1),
  'a request that the relay has not seen': ({ meta, lines }) => meta.relay && delete lines.find(left).relay,
  'the answer\'s money': ({ lines }) => (lines.find(left).cost -= 1),
  'what left and is not in the egress log': ({ lines }) => lines.find(left).egress.pop(),
  'a cost above what was reserved': ({ lines }) => (lines.find(left).ledger.at(-1).reserved = 0),
  'a row that is missing': ({ lines }) => lines.find((line) => !left(line)).ledger.pop(),
  'the sum of the ledger': ({ meta }) => (meta.summary.spent.reported += 1),
  'measured passed off as estimated': ({ meta }) => ((meta.summary.counterfactual.estimated += 1), (meta.summary.counterfactual.measured -= 1)),
  'the saving': ({ meta }) => (meta.summary.saving.value += 1e-9),
  'the day\'s bound': ({ meta }) => (meta.perDay = meta.summary.spent.reported - 1),
  'what may not leave': ({ lines }) => (lines.find(left).never = true),
  'a decision': ({ lines }) => (lines[0].trace.decision.calibrated = true),
  'a decision that is none': ({ lines }) => (lines[0].trace.decision.more = 1),
};
const left = ({ source, server }) => source === 'remote' && server.predicted > 0;

/** Without CLINC150, whose prompts are long; in the soak a larger day with it, as the documentation's. */
const size = () => (soak ? { data, queries: 200 } : { data: temporary, queries: 24, rule: 'escalate' });

/** Records a day, judges it, and judges what was changed in it. */
async function accounted(options, t) {
  const file = await day({ ...size(), seed: 7, accuracy: 0.9, outputTokens: 40, out: join(temporary, `${options.part}.jsonl`), ...options });
  const { text, problems } = await judge(file);
  t.diagnostic(text.split('\n').filter((line) => /^\| (rule|spent|accounts|decisions)/.test(line)).join(' '));
  assert.deepEqual(problems, []);
  assert.ok(read(file).lines.some(left), 'something has left');
  for (const [what, change] of Object.entries(PERTURBED)) {
    const changed = read(file);
    if (change(changed) === false) continue;
    const other = join(temporary, 'changed.jsonl');
    writeFileSync(other, [changed.meta, ...changed.lines].map((line) => JSON.stringify(line)).join('\n'));
    assert.ok((await judge(other)).problems.length > 0, `${what} was not noticed`);
  }
}

test('simulated: the accounts of a day agree, and a changed one is noticed', { skip: noModels }, (t) => accounted({ part: 'simulated' }, t));

test('real plumbing: ledger, relay and a real server agree for every question', { skip: noModels || (noRealServer() ?? noRelay() ?? false) }, (t) => accounted({ part: 'plumbing' }, t));
