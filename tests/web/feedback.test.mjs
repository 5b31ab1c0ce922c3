// Labelled answers: what is kept, how much, in whose words, and what comes out; and a sample that is compared with another model.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Collection, ENOUGH } from '../../pkg/dist/feedback/collection.js';
import { Observer } from '../../pkg/dist/feedback/observe.js';
import { fraction } from '../../pkg/dist/route/draw.js';
import { joined } from '../../pkg/dist/tasks/signals.js';
import { DESK, noDesk } from './support/desk.mjs';
import { nodeKinglet } from './support/node-engine.mjs';

const known = (id, { task = 'intent', label_max = 0.5 } = {}) => ({
  row: { id, task, signals: joined(undefined, { label_max, prompt_tokens: 7 }) },
  texts: { input: `text of ${id}, secret`, output: 'refund' },
});
const open = (options = {}) => new Collection({ store: 'memory', ...options });
const refused = (work, param) => assert.rejects(async () => work(), (e) => e.code === 'invalid_request' && e.detail.param === param);
const parsed = (lines) => lines.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));

test('a verdict becomes a row of kinglet route, without texts', async () => {
  const collection = open();
  const progress = await collection.add(known('a'), { ok: false, expected: 'delivery', remoteOk: true });
  assert.deepEqual(progress, { task: 'intent', labelled: 1, enough: 300, wrong: 1 });
  const [row] = parsed(await collection.export());
  const { signals, ...rest } = row;
  assert.deepEqual(rest, { id: 'a', task: 'intent', local_ok: false, remote_ok: true, label_source: 'human', prompt_tokens: 7, prompt_chars: 17 });
  assert.equal(signals.label_max, 0.5);
  assert.doesNotMatch(JSON.stringify(row), /secret|refund|delivery/);
});

test('a redactor says what of the texts is kept', async () => {
  const about = [];
  const collection = open({ redact: (texts, { task }) => (about.push(task), { ...texts, input: texts.input.replace('secret', '…') }) });
  await collection.add(known('a'), { ok: false, expected: 'delivery' });
  assert.deepEqual((await collection.rows())[0].texts, { input: 'text of a, …', output: 'refund', expected: 'delivery' });
  assert.deepEqual(about, ['intent']);
  const silent = open({ redact: () => undefined });
  await silent.add(known('a'), { ok: true });
  assert.equal((await silent.rows())[0].texts, undefined);
  await refused(() => open({ redact: () => ({ url: 'x' }) }).add(known('a'), { ok: true }), 'feedback.redact.url');
});

test('said again, the last word counts; the oldest rows make room', async () => {
  const collection = open({ most: 3 });
  for (const id of ['a', 'b', 'c', 'a', 'd']) await collection.add(known(id), { ok: id === 'a' });
  assert.deepEqual((await collection.rows()).map(({ id }) => id), ['c', 'a', 'd']);
  await Promise.all(Array.from({ length: 20 }, (_, i) => collection.add(known(`x${i}`), { ok: true })));
  assert.equal((await collection.rows()).length, 3, 'also when they come at once');
  await collection.clear();
  assert.equal(await collection.export(), '');
});

test('progress is by task, and enough at 300', async () => {
  const collection = open();
  for (let i = 0; i < ENOUGH; i++) await collection.add(known(`a${i}`), { ok: i > 0 });
  await collection.add(known('b', { task: 'other' }), { ok: true });
  assert.deepEqual(await collection.progress(), [
    { task: 'intent', labelled: 300, enough: 300, wrong: 1 },
    { task: 'other', labelled: 1, enough: 300, wrong: 0 },
  ]);
});

test('hard cases: all that were wrong, and the least sure', async () => {
  const collection = open();
  for (let i = 0; i < 20; i++) await collection.add(known(`a${i}`, { label_max: i / 20 }), { ok: i !== 15 });
  const ids = async (options) => parsed(await collection.exportHardCases(options)).map(({ id }) => id);
  assert.deepEqual(await ids(), ['a0', 'a1', 'a15']);
  assert.deepEqual(await ids({ share: 0 }), ['a15']);
  await refused(() => collection.exportHardCases({ share: 2 }), 'options.share');
});

test('wrong options and verdicts are named', async () => {
  await refused(() => open({ store: 'opfs' }), 'feedback.store');
  await refused(() => open({ most: 0 }), 'feedback.most');
  await refused(() => open({ redact: true }), 'feedback.redact');
  await refused(() => open({ redacted: () => 1 }), 'feedback.redacted');
  for (const [verdict, param] of [[true, 'feedback'], [{}, 'feedback.ok'], [{ ok: 1 }, 'feedback.ok'], [{ ok: true, by: 'me' }, 'feedback.by'], [{ ok: true, source: 'me' }, 'feedback.source'], [{ ok: true, expected: '' }, 'feedback.expected']]) {
    await refused(() => open().add(known('a'), verdict), param);
  }
  for (const [observe, param] of [[{ ask: () => '' }, 'feedback.observe.share'], [{ share: 0.5 }, 'feedback.observe.ask'], [{ share: 2, ask: () => '' }, 'feedback.observe.share'], [{ share: 1, ask: () => '', sure: 1 }, 'feedback.observe.sure']]) {
    await refused(() => Observer.of({ observe }, open()), param);
  }
});

test('a sample is asked elsewhere: agreement is a label that says so, and a failure is none', async () => {
  const collection = open();
  const asked = [];
  const answers = { 'text of a, secret': ' Refund. ', 'text of b, secret': 'delivery' };
  const ask = async ({ task, input }) => (asked.push(task), answers[input] ?? Promise.reject(new Error('away')));
  const observer = Observer.of({ observe: { share: 1, ask } }, collection);
  for (const id of ['a', 'b', 'c']) await observer.see(known(id));
  assert.equal(asked.length, 3);
  assert.deepEqual((await collection.rows()).map(({ id, local_ok, label_source }) => [id, local_ok, label_source]), [['a', true, 'remote_agreement'], ['b', false, 'remote_agreement']]);
  const none = Observer.of({ observe: { share: 0, ask } }, collection);
  await none.see(known('d'));
  assert.equal(asked.length, 3);
  const picky = open();
  await Observer.of({ observe: { share: 1, ask: async () => 'x', agree: (local, remote) => local.length > remote.length } }, picky).see(known('a'));
  assert.equal((await picky.rows())[0].local_ok, true);
});

test('which requests are of the sample follows from their ids, evenly', () => {
  const n = 20_000;
  const drawn = Array.from({ length: n }, (_, i) => fraction(`task-${i.toString(16).padStart(32, '0')}`));
  for (const share of [0.01, 0.1, 0.5, 0.9]) {
    const got = drawn.filter((x) => x < share).length;
    assert.ok(Math.abs(got - n * share) < 4 * Math.sqrt(n * share * (1 - share)), `${got} of ${n} at ${share}`);
  }
  assert.equal(fraction('a'), fraction('a'));
});

test('feedback on a real answer', { skip: noDesk() ?? false }, async () => {
  const { kinglet, close } = await nodeKinglet(DESK, { feedback: { store: 'memory', observe: { share: 1, ask: async () => 'late parcel' } } });
  const { label, kinglet: report } = await kinglet.classify('Where is my parcel? It is late.', ['late parcel', 'refund']);
  const { labelled } = await kinglet.feedback(report.id, { ok: label === 'late parcel' });
  assert.equal(labelled, 1);
  const collected = await kinglet.collected();
  assert.deepEqual((await collected.rows()).map(({ task, signals }) => [task, signals.label_max]), [['classify', report.signals.label_max]]);
  await assert.rejects(kinglet.feedback('task-0', { ok: true }), (e) => e.code === 'invalid_request' && e.detail.param === 'id');
  close();
});
