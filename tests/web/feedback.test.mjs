// Labelled answers: what is kept, how much, in whose words, and what comes out; and a sample that is compared with another model.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { calibrate } from '../../pkg/dist/calibrate/index.js';
import { Collection, ENOUGH } from '../../pkg/dist/feedback/collection.js';
import { Observer } from '../../pkg/dist/feedback/observe.js';
import { Decisions } from '../../pkg/dist/escalation.js';
import { fraction } from '../../pkg/dist/route/draw.js';
import { createRouter } from '../../pkg/dist/route/lazy.js';
import { checkFeedback, Tasks } from '../../pkg/dist/tasks/index.js';
import { joined } from '../../pkg/dist/tasks/signals.js';
import { notBuilt } from './support/browser.mjs';
import OpenAI from 'openai';
import { DESK, DESK_NANO, noDesk } from './support/desk.mjs';
import { nodeKinglet } from './support/node-engine.mjs';
import { answering } from './support/openai-server.mjs';

const textsOf = (id) => ({ input: `text of ${id}, secret`, output: 'refund' });
const known = (id, { task = 'intent', label_max = 0.5 } = {}) => ({
  row: { id, task, signals: joined(undefined, { label_max, prompt_tokens: 7 }), prompt_chars: textsOf(id).input.length },
  texts: textsOf(id),
});
const FREE = { needs_consent: false, needs_redaction: false };
const open = (options = {}) => new Collection({ store: 'memory', ...options });
const refused = (work, param) => assert.rejects(async () => work(), (e) => e.code === 'invalid_request' && e.detail.param === param);
const parsed = (lines) => lines.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));

test('a verdict becomes a row of kinglet route, without texts', async () => {
  const collection = open();
  const progress = await collection.add(known('a'), { ok: false, expected: 'delivery', remoteOk: true });
  assert.deepEqual(progress, { task: 'intent', labelled: 1, enough: 300, wrong: 1 });
  const [row] = parsed(await collection.export());
  const { signals, ...rest } = row;
  assert.deepEqual(rest, { id: 'a', task: 'intent', local_ok: false, remote_ok: true, label_source: 'human', selected: 'feedback', prompt_tokens: 7, prompt_chars: 17 });
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

test('what comes out has the names that kinglet route reads, texts too', async () => {
  const rust = readFileSync(new URL('../../route/src/evaluate/row.rs', import.meta.url), 'utf8');
  const names = [...rust.split('pub struct Row {')[1].split('\n}')[0].matchAll(/^ {4}pub (\w+):/gm)].map((match) => match[1]);
  const collection = open({ redact: (texts) => texts });
  const one = known('a');
  await collection.add({ ...one, row: { ...one.row, group: 'g' } }, { ok: false, expected: 'delivery', remoteOk: true, source: 'exact' });
  const [row] = parsed(await collection.export());
  assert.deepEqual(Object.keys(row).filter((name) => !names.includes(name)), []);
  for (const name of ['texts', 'group', 'remote_ok', 'prompt_chars']) assert.ok(name in row && names.includes(name), name);
  assert.deepEqual(Object.keys(row.texts), ['input', 'output', 'expected']);
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

test('what was collected becomes a calibration of one task, and a lint says how it came to be', { skip: notBuilt() ?? false }, async () => {
  const binding = { model_hash: 'm', quantization: 'Q8_0', tokenizer_hash: 't', template_hash: 'c', sampler: 'greedy', signal_version: 1 };
  const collection = new Collection({ store: 'memory', redact: ({ input }) => ({ input: input.slice(0, 4) }) }, () => binding, async () => calibrate);
  const options = { task: 'intent', target: { risk: 0.15 }, created: '2026-11-22', features: ['label_max'], despiteLint: true };
  await assert.rejects(collection.calibrate(options), ({ code, detail }) => code === 'invalid_request' && detail.param === 'rows');
  for (let i = 0; i < 500; i++) {
    const label_max = ((i * 37) % 500) / 500;
    await collection.add(known(`a${i}`, { label_max }), { ok: label_max > 0.12 && i % 50 > 0 });
  }
  await collection.add(known('b', { task: 'other' }), { ok: true });
  const { profile, findings } = await collection.calibrate(options);
  assert.deepEqual([profile.task, profile.n, profile.binding, profile.label_source], ['intent', 500, binding, 'human']);
  assert.deepEqual(findings.map(({ code, severity }) => [code, severity]), [['selected_feedback', 'stop']]);
  await assert.rejects(collection.calibrate({ ...options, despiteLint: false }), ({ code, message }) => code === 'invalid_request' && message.includes('selected_feedback'));
  const needed = await collection.calibrate({ ...options, target: { risk: 0.01 } }).catch((error) => error);
  assert.equal(needed.code, 'cannot_certify');
  await refused(() => collection.calibrate({ ...options, task: '' }), 'options.task');
  await refused(() => new Collection({ store: 'memory' }).calibrate(options), 'options.binding');
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
  for (const [verdict, param] of [[true, 'feedback'], [{}, 'feedback.ok'], [{ ok: 1 }, 'feedback.ok'], [{ ok: true, by: 'me' }, 'feedback.by'], [{ ok: true, source: 'me' }, 'feedback.source'], [{ ok: true, selected: 'me' }, 'feedback.selected'], [{ ok: true, expected: '' }, 'feedback.expected']]) {
    await refused(() => open().add(known('a'), verdict), param);
  }
  for (const [observe, param] of [[{ ask: () => '' }, 'feedback.observe.share'], [{ share: 0.5, ask: 1 }, 'feedback.observe.ask'], [{ share: 2, ask: () => '' }, 'feedback.observe.share'], [{ share: 1, ask: () => '', sure: 1 }, 'feedback.observe.sure']]) {
    await refused(() => Observer.of({ observe }, open()), param);
  }
  await refused(() => checkFeedback({ observe: { share: 0.5 } }, false), 'feedback.observe.ask'); // nobody is there to be asked
  checkFeedback({ observe: { share: 0.5 } }, true);
});

test('a sample is asked elsewhere: agreement is a label that says so, and a failure is none', async () => {
  const collection = open();
  const asked = [];
  const answers = { 'text of a, secret': ' Refund. ', 'text of b, secret': 'delivery' };
  const ask = async ({ task, input }) => (asked.push(task), answers[input] ?? Promise.reject(new Error('away')));
  const observer = Observer.of({ observe: { share: 1, ask } }, collection);
  for (const id of ['a', 'b', 'c']) await observer.see(known(id), textsOf(id), FREE);
  assert.equal(asked.length, 3);
  assert.deepEqual((await collection.rows()).map(({ id, local_ok, label_source, selected }) => [id, local_ok, label_source, selected]), [['a', true, 'remote_agreement', 'all'], ['b', false, 'remote_agreement', 'all']]);
  const none = Observer.of({ observe: { share: 0, ask } }, collection);
  await none.see(known('d'), textsOf('d'), FREE);
  assert.equal(asked.length, 3);
  const picky = open();
  await Observer.of({ observe: { share: 1, ask: async () => 'x', agree: (local, remote) => local.length > remote.length } }, picky).see(known('a'), textsOf('a'), FREE);
  assert.equal((await picky.rows())[0].local_ok, true);
});

const spent = { signals: undefined, usage: { prompt_tokens: 4, completion_tokens: 1, total_tokens: 5 }, timings: { prefill_ms: 1, decode_ms: 0, reused_tokens: 0 } };
const link = { info: { context: 100, model: 'm', model_hash: 'm', quantization: 'q', tokenizer_hash: 't', template_hash: 'c' } };
const price = { inputPerMillion: 1, outputPerMillion: 1, currency: 'USD', asOf: '2026-11-22' };

/** Numbers from 0 to 1, the same for one seed (a linear congruence; its high bits are good enough for cases of a test). */
function random(seed) {
  let state = seed >>> 0;
  return () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) / 2 ** 24;
}

/** The tasks of a model that is not there, and one answer of theirs. */
function desk(feedback, decisions) {
  const tasks = new Tasks(link, undefined, { store: 'memory', ...feedback }, decisions);
  const answered = async (facts, { task = 'filter', input = 'secret', output = 'x' } = {}) => {
    const begun = await tasks.begin({ task, facts }, () => 'words', async () => ({ prompt_tokens: 4, max_tokens: 3 }));
    return (await tasks.settle(begun, async () => ({ result: {}, found: {}, spent, texts: { input, output } }))).kinglet;
  };
  return { tasks, answered };
}

test('nobody is asked where a gate forbids that anything leaves, and who is asked hears what it needs', { skip: notBuilt() ?? false }, async () => {
  const draw = random(20261122);
  const oneOf = (list) => list[Math.floor(draw() * list.length)];
  const some = (share, value) => (draw() < share ? value() : undefined);
  const given = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
  const label = () => given({ consent: some(0.7, () => oneOf(['free', 'free', 'ask', 'never'])), redact: some(0.5, () => oneOf(['no', 'yes'])) });
  const counts = { gates: 0, asked: 0, compared: 0 };
  for (let i = 0; i < 300; i++) {
    const options = given({
      mode: oneOf(['prefer-local', 'prefer-remote', 'prefer-remote', 'only-local', 'only-remote']),
      remotes: some(0.9, () => [{ name: 'r', price }]),
      escalation: some(0.3, () => ({ maxRate: oneOf([0, 0.5, 1]) })),
      tasks: some(0.4, () => ({ [oneOf(['filter', 'other'])]: given({ ...label(), escalate: some(0.5, () => oneOf(['default', 'always', 'never'])) }) })),
      privacy: some(0.5, label),
    });
    const facts = given({
      payload: some(0.7, () => Array.from({ length: Math.floor(draw() * 4) }, label)),
      answered: some(0.1, () => 'denied'),
      online: some(0.8, () => draw() < 0.8),
      budget: some(0.2, () => given({ requests: some(0.5, () => oneOf([0, 3])), tokens: some(0.5, () => oneOf([2, 100])) })),
    });
    const decisions = await Decisions.of(createRouter, options, () => undefined);
    const asked = [];
    const { answered } = desk({ observe: { share: 1, ask: async (request) => (asked.push(request), 'x') } }, decisions);
    const { id, decision } = await answered(facts);
    const { gates } = decisions.of(id).trace;
    const what = JSON.stringify({ options, facts });
    if (gates.length > 0) {
      counts.gates += 1;
      assert.deepEqual(asked, [], what);
      continue;
    }
    counts.asked += 1;
    const [{ signal, ...request }] = asked;
    assert.ok(signal instanceof AbortSignal);
    const { needs_consent, needs_redaction } = request;
    assert.deepEqual(request, { task: 'filter', input: 'secret', needs_consent, needs_redaction }, what);
    if (decision.egress !== null) {
      counts.compared += 1;
      assert.deepEqual({ needs_consent, needs_redaction }, { needs_consent: decision.egress.needs_consent, needs_redaction: decision.egress.needs_redaction }, what);
    }
  }
  assert.ok(Object.values(counts).every((count) => count > 40), JSON.stringify(counts));
});

test('where nothing is decided, what is known of a request forbids likewise; after close nobody is asked', { skip: notBuilt() ?? false }, async () => {
  const asked = [];
  let away;
  const ask = async ({ needs_consent, needs_redaction }) => (asked.push([needs_consent, needs_redaction]), away ?? 'x');
  const { tasks, answered } = desk({ observe: { share: 1, ask } });
  for (const facts of [{ payload: [{ consent: 'free' }, { consent: 'never' }] }, { answered: 'denied' }, { online: false }]) await answered(facts);
  assert.deepEqual(asked, []);
  for (const facts of [{}, { payload: [{}] }, { payload: [{ consent: 'free' }] }, { payload: [{ consent: 'free' }, { redact: 'yes' }] }]) await answered(facts);
  assert.deepEqual(asked, [[true, false], [true, false], [false, false], [true, true]]);
  await refused(() => answered({ payload: {} }), 'facts.payload');
  await refused(() => answered({ payload: [{ consent: 'maybe' }] }), 'facts.payload[0].consent');
  await refused(() => answered({ payload: [{ redact: true }] }), 'facts.payload[0].redact');
  const labelled = async () => (await tasks.collected.rows()).length;
  assert.equal(await labelled(), 4);
  let answer;
  away = new Promise((resolve) => (answer = resolve));
  await answered({});
  tasks.close();
  answer('x');
  await answered({});
  assert.equal(asked.length, 5, 'one was asked before');
  assert.equal(await labelled(), 4);
});

test('texts are kept for a redactor alone, and not without end', { skip: notBuilt() ?? false }, async () => {
  const told = [];
  const { tasks, answered } = desk({ redact: (texts) => (told.push(texts.input.length), undefined) });
  const ids = [];
  for (let i = 0; i < 5; i++) ids.push((await answered({}, { input: 'a'.repeat(400_000) })).id);
  for (const id of ids) await tasks.feedback(id, { ok: true });
  assert.deepEqual(told, [400_000, 400_000], 'of the latest two');
  await tasks.feedback(ids[0], { ok: false, expected: 'y' });
  assert.deepEqual(told.slice(2), [0], 'what is said now is known');
  const large = (await answered({}, { input: 'a'.repeat(3_000_000) })).id;
  await tasks.feedback(large, { ok: true });
  assert.equal(told.at(-1), 3_000_000, 'the latest is, whatever its length');
  const rows = await tasks.collected.rows();
  assert.deepEqual(new Set(rows.map(({ prompt_chars }) => prompt_chars)), new Set([400_000, 3_000_000]));
  assert.ok(rows.every(({ texts }) => texts === undefined));
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

test('what another model says does not overrule what anybody else has said, whichever comes first', async () => {
  const collection = open();
  const sources = async () => (await collection.rows()).map(({ local_ok, label_source }) => [local_ok, label_source]);
  await collection.add(known('a'), { ok: true, source: 'remote_agreement' });
  assert.deepEqual(await sources(), [[true, 'remote_agreement']]);
  await collection.add(known('a'), { ok: false });
  await collection.add(known('a'), { ok: true, source: 'remote_agreement' });
  assert.deepEqual(await sources(), [[false, 'human']], 'one row, the better word');
});

test('answers that are the same JSON agree, however it is written', async () => {
  const collection = open();
  const texts = { input: 'x', output: '{"name": "Ann", "n": 1}' };
  await Observer.of({ observe: { share: 1, ask: async () => '{"n":1.0,"name":"Ann"}' } }, collection).see(known('a'), texts, FREE);
  assert.equal((await collection.rows())[0].local_ok, true);
});

test('observe, side by side with a server in OpenAI\'s shape: failures, slow answers and the end neither lose nor double a row', { skip: noDesk() ?? false, timeout: 60_000 }, async () => {
  const SECRET = 'Ann Li of Mill Lane';
  let [slow, release] = [];
  const asked = [];
  const server = await answering(async (text) => {
    asked.push(text);
    if (text.includes('slow')) await slow;
    if (text.includes('fails')) return new Response('{"error": {"message": "no"}}', { status: 500 });
    if (text.includes('page')) return new Response('<html>', { headers: { 'Content-Type': 'text/html' } });
    return text.includes('nothing') ? '' : text.includes('differs') ? 'refund' : 'late parcel';
  });
  const client = new OpenAI({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
  const left = [];
  const ask = async ({ task, input, signal }) => {
    try {
      const { choices } = await client.chat.completions.create({ model: 'any', messages: [{ role: 'user', content: `${task}: ${input}` }] }, { signal });
      return choices[0].message.content;
    } catch (thrown) {
      if (signal.aborted) left.push(input);
      throw thrown;
    }
  };
  const redact = ({ input, output, expected }) => ({ input: input.replace(SECRET, '…'), output, ...(expected === undefined ? {} : { expected }) });
  const until = async (what) => {
    for (let i = 0; !(await what()); i++) {
      if (i === 1000) assert.fail(`still not: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  for (const options of [{}, { redact }]) {
    [asked.length, left.length] = [0, 0];
    slow = new Promise((resolve) => (release = resolve));
    const { kinglet, close } = await nodeKinglet(DESK_NANO, { context: 512, feedback: { store: 'memory', observe: { share: 1, ask }, ...options } });
    const collected = await kinglet.collected();
    const classify = async (text) => (await kinglet.classify(`${text} ${SECRET}: where is my parcel? It is late.`, ['late parcel', 'refund'])).kinglet.id;
    const ids = {};
    for (const text of ['agrees', 'differs', 'fails', 'page', 'nothing', 'slow one', 'slow two']) ids[text] = await classify(text);
    await until(async () => asked.length === 7 && (await collected.rows()).length === 2);
    await kinglet.feedback(ids['slow one'], { ok: false, expected: 'refund' });
    await kinglet.feedback(ids['agrees'], { ok: true });
    if (options.redact === undefined) {
      release(); // both slow ones come now: one has been judged by a person
      await until(async () => (await collected.rows()).length === 4);
    }
    close();
    release();
    const rows = await collected.rows();
    assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length);
    const found = Object.fromEntries(rows.map(({ id, label_source }) => [Object.keys(ids).find((text) => ids[text] === id), label_source]));
    const observed = options.redact === undefined ? { 'slow two': 'remote_agreement' } : {};
    assert.deepEqual(found, { agrees: 'human', differs: 'remote_agreement', 'slow one': 'human', ...observed });
    const all = `${await collected.export()}${await collected.exportHardCases({ share: 1 })}${JSON.stringify(rows)}`;
    assert.ok(!all.includes(SECRET) && !all.includes('Mill Lane'));
    assert.equal(all.includes('where is my parcel'), options.redact !== undefined, 'texts only by the redactor');
    if (options.redact !== undefined) {
      assert.match(parsed(await collected.exportHardCases())[0].texts.input, /…: where/);
    }
    await until(() => left.length === (options.redact === undefined ? 0 : 2));
    assert.ok(options.redact === undefined || left.length === 2, 'what is under way is told of the end');
  }
  await server.close();
});

test('feedback on a real answer', { skip: noDesk() ?? false }, async () => {
  let signal;
  const { kinglet, close } = await nodeKinglet(DESK, { feedback: { store: 'memory', observe: { share: 1, ask: async (request) => ({ signal } = request, 'late parcel') } } });
  const { label, kinglet: report } = await kinglet.classify('Where is my parcel? It is late.', ['late parcel', 'refund']);
  const { labelled } = await kinglet.feedback(report.id, { ok: label === 'late parcel' });
  assert.equal(labelled, 1);
  const collected = await kinglet.collected();
  assert.deepEqual((await collected.rows()).map(({ task, signals }) => [task, signals.label_max]), [['classify', report.signals.label_max]]);
  await assert.rejects(kinglet.feedback('task-0', { ok: true }), (e) => e.code === 'invalid_request' && e.detail.param === 'id');
  assert.equal(signal.aborted, false);
  kinglet.dispose();
  assert.equal(signal.aborted, true, 'nobody is waited for any more');
  close();
});
