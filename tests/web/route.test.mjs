// `kinglet/route`: decisions without the engine. The traces of tests/cases/route replay in Node and in Chromium with the same
// bits as natively; adapters read the answers of other engines; importing it does nothing and reaches no engine.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, missing, notBuilt } from './support/browser.mjs';
import { startServer } from './support/server.mjs';

const ROOT = new URL('../../', import.meta.url);
const read = (path) => readFileSync(new URL(path, ROOT), 'utf8');
const skip = notBuilt() ?? false;
const inChromium = missing() ?? false;
const lines = read('tests/cases/route/traces.jsonl').trimEnd().split('\n');
const profile = JSON.parse(read('tests/cases/route/profile.json'));
const price = { inputPerMillion: 2_500_000, outputPerMillion: 10_000_000, currency: 'USD', asOf: '2026-11-22' };
const remotes = [{ name: 'strong', price }];

let route;
let server;
let browser;
before(async () => {
  if (skip) return;
  route = await import('../../pkg/dist/route/index.js');
  if (inChromium) return;
  server = await startServer();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** What the module's own functions make of each trace: texts, as they come out of Wasm. */
async function replayed(glue, file, { lines, profile }) {
  await glue.default(file && { module_or_path: file });
  const router = new glue.Router('{}', [JSON.stringify(profile)], JSON.stringify(profile.binding));
  return lines.map((line) => ({ text: router.replay(line), sentence: glue.explain(line) }));
}

function sameAs(lines, results) {
  assert.equal(results.length, lines.length);
  results.forEach(({ text }, i) => assert.equal(text, `{"identical":true,"trace":${lines[i]}}`));
}

test('traces replay in Node with the same bits as natively, and a perturbed one does not', { skip }, async () => {
  const glue = await import('../../pkg/wasm/kinglet_route.js');
  const file = readFileSync(new URL('pkg/wasm/kinglet_route_bg.wasm', ROOT));
  const results = await replayed(glue, file, { lines, profile });
  assert.ok(lines.length >= 60, `${lines.length} traces`);
  sameAs(lines, results);
  const perturbed = lines.map((line) => line.replace('"requests":', '"requests":1'));
  assert.throws(() => sameAs(perturbed, results));
});

test('traces replay in Chromium with the same bits, and with the same sentences', { skip: skip || inChromium }, async () => {
  const page = await browser.newPage();
  await page.goto(`${server.origin}/pkg/package.json`); // of the same origin, and with no engine
  const given = JSON.stringify({ lines, profile });
  const results = await page.evaluate(`import('/pkg/wasm/kinglet_route.js').then((glue) => (${replayed})(glue, undefined, ${given}))`);
  sameAs(lines, results);
  const router = await route.createRouter();
  results.forEach(({ sentence }, i) => assert.equal(sentence, router.explain(JSON.parse(lines[i]))));
  await page.close();
});

test('a page has it without a bundler, and fetches the module with the first router alone', { skip: skip || inChromium }, async () => {
  const page = await browser.newPage();
  const fetched = [];
  page.on('request', (request) => fetched.push(request.url().split('/').pop()));
  await page.goto(`${server.origin}/pkg/package.json`);
  await page.evaluate("import('/pkg/dist/route/index.js')");
  assert.ok(fetched.includes('router.js') && !fetched.some((name) => name.startsWith('kinglet')), fetched.join(' '));
  const decided = await page.evaluate(`import('/pkg/dist/route/index.js').then(async ({ createRouter }) => {
    const [router] = await Promise.all([createRouter(), createRouter()]);
    return router.decide({ local: 'absent' }).decision;
  })`);
  assert.deepEqual([decided.action, decided.reason, decided.asked], ['none', 'no_remote', 'local_unavailable']);
  assert.deepEqual(fetched.filter((name) => name.startsWith('kinglet')), ['kinglet_route.js', 'kinglet_route_bg.wasm']);
  await page.close();
});

const calibration = {
  rows: read('tests/cases/route/clinc_desk.jsonl').trimEnd().split('\n').map((line) => JSON.parse(line)),
  options: JSON.parse(read('tests/cases/route/calibrate.json')),
  text: read('tests/cases/route/calibrated.json').trimEnd(),
};

test('a calibration in Node has the bytes of the native tool, decides, and is dated today unless somebody says when', { skip }, async () => {
  const { rows, options, text } = calibration;
  const glue = await import('../../pkg/wasm/kinglet_calibrate.js');
  const made = await route.calibrate(rows, options); // which starts the module, too
  assert.deepEqual(made, JSON.parse(text));
  const lines = rows.map((row) => JSON.stringify(row)).join('\n');
  assert.equal(glue.calibrate(lines, JSON.stringify(options)), text);
  assert.notEqual(glue.calibrate(lines, JSON.stringify({ ...options, target: { risk: 0.06 } })), text, 'the comparison can fail');
  const { created, ...undated } = options;
  const day = () => new Date().toISOString().slice(0, 10);
  const from = day();
  const today = await route.calibrate(rows.slice(0, 700), undated);
  assert.ok([from, day()].includes(today.profile.created), today.profile.created); // midnight may lie between
  const router = await route.createRouter({ remotes, profiles: [made.profile], binding: options.binding, escalation: { target: options.target } });
  const [{ id }] = router.config().profiles;
  assert.equal(router.config().profiles[0].calibration.kind, 'fits');
  const [sure, unsure] = [{ label_max: 0.999, min_logprob: -0.001 }, { label_max: 0.3, min_logprob: -1.2 }].map((given) =>
    router.review(router.decide({ task: 'intent' }), { version: 1, origin: 'measured', tokens: 2, ...given }).decision);
  assert.deepEqual([sure.reason, unsure.reason, sure.calibrated, unsure.calibrated], ['confident', 'low_confidence', true, true], id);
});

test('a calibration in Chromium has the same bytes; the module is fetched with the first one alone', { skip: skip || inChromium }, async () => {
  const { rows, options, text } = calibration;
  const page = await browser.newPage();
  const fetched = [];
  page.on('request', (request) => fetched.push(request.url().split('/').pop()));
  await page.goto(`${server.origin}/pkg/package.json`);
  await page.evaluate("import('/pkg/dist/route/index.js')");
  assert.ok(!fetched.some((name) => name.startsWith('kinglet')), fetched.join(' '));
  const made = await page.evaluate(`import('/pkg/dist/route/index.js').then(({ calibrate }) => calibrate(...${JSON.stringify([rows, options])}))`);
  assert.deepEqual(made, JSON.parse(text));
  assert.deepEqual(fetched.filter((name) => name.startsWith('kinglet')), ['kinglet_calibrate.js', 'kinglet_calibrate_bg.wasm']);
  const said = JSON.stringify([rows.map((row) => JSON.stringify(row)).join('\n'), JSON.stringify(options)]);
  assert.equal(await page.evaluate(`import('/pkg/wasm/kinglet_calibrate.js').then((glue) => glue.calibrate(...${said}))`), text);
  await page.close();
});

test('what cannot be certified, and hostile rows, are typed errors', { skip }, async () => {
  const { rows, options } = calibration;
  const short = await route.calibrate(rows, { ...options, target: { risk: 0.001 } }).catch((error) => error);
  assert.deepEqual([short.name, short.code, typeof short.detail.n], ['KingletError', 'cannot_certify', 'number']);
  assert.ok(short.detail.needed === null || short.detail.needed > short.detail.n);
  const refused = (rows, more, says) =>
    assert.rejects(route.calibrate(rows, { ...options, ...more }), ({ code, detail }) => code === 'invalid_request' && detail.param.includes(says), says);
  await refused('rows', {}, 'rows');
  await refused([], {}, 'rows');
  await refused([{ ...rows[0], score: NaN }], {}, 'rows[0].score');
  await refused([rows[0], rows[0]], {}, 'line 2.id');
  await refused([{ ...rows[0], mood: 1 }], {}, 'line 1');
  await refused(rows, { target: {} }, 'options.target');
  await refused(rows, { mood: 1 }, 'options.mood');
  await refused(rows, { created: 'today' }, 'created');
  await refused(rows.map((row) => ({ ...row, local_ok: true })), {}, 'rows');
  await assert.rejects(route.calibrate(rows, null), { code: 'invalid_request' });
  assert.deepEqual(await route.calibrate(rows, options), JSON.parse(calibration.text), 'it goes on after errors');
});

test('a request is decided, reviewed and settled; its trace replays and is explained', { skip }, async () => {
  const router = await route.createRouter({ remotes, escalation: { abort: { grace: 8, windowBelow: -3 } } });
  const step = router.decide({ prompt_tokens: 40, max_tokens: 8 }, 'first');
  assert.equal(step.decision.reason, null);
  assert.deepEqual(step.decision.abort, { window_below: -3, grace: 8 });
  const signals = { version: 1, origin: 'measured', tokens: 3, label_max: 0.2 };
  const review = router.review(step, signals);
  assert.equal(review.decision.action, 'remote');
  assert.equal(review.decision.reason, 'low_confidence');
  assert.equal(review.decision.calibrated, false);
  assert.deepEqual(review.decision.egress, { remote: 'strong', needs_consent: true, needs_redaction: false, cost: 180 });
  assert.match(router.explain(review), /^The remote model "strong" is to be asked because its label_max is 0.2, under the bound of 0.5; /);
  assert.equal(router.state.requests, 0, 'only settle changes it');
  const trace = router.settle(review, { remote: 'answered', usage: { input: 41, output: 2 } });
  assert.equal(trace.decision.cost, 123); // (41 * 2.5 + 2 * 10) micro-dollars, rounded up
  const { requests, escalations } = router.state;
  assert.deepEqual({ requests, escalations }, { requests: 1, escalations: 1 });
  for (const one of [step, review, trace]) {
    const again = router.replay(one);
    assert.equal(again.identical, true);
    assert.deepEqual(again.trace, one);
  }
  const forged = structuredClone(trace);
  forged.decision.reason = 'confident';
  assert.equal(router.replay(forged).identical, false);
  const next = await route.createRouter({ remotes, state: router.state });
  assert.equal(next.state.requests, 1);
});

test('a calibration decides where it fits, and is refused by name where it does not', { skip }, async () => {
  const target = { risk: profile.target.alpha, confidence: 1 - profile.target.delta };
  const signals = { version: 1, origin: 'measured', tokens: 1, label_max: 0.999 };
  const decided = async (options) => {
    const router = await route.createRouter({ remotes, profiles: [profile], escalation: { target }, ...options });
    return router.review(router.decide({ task: profile.task }), signals);
  };
  const fits = await decided({ binding: profile.binding });
  assert.equal(fits.inputs.calibration.kind, 'fits');
  assert.ok(fits.decision.calibrated && fits.decision.p_error !== null && fits.contributions.length > 0);
  for (const [options, field] of [
    [{}, 'model_hash'],
    [{ binding: { ...profile.binding, template_hash: 'other' } }, 'template_hash'],
    [{ binding: profile.binding, escalation: { target: { risk: 0.01 } } }, 'target'],
  ]) {
    const refused = await decided(options);
    assert.equal(refused.inputs.calibration.field, field);
    assert.equal(refused.decision.calibrated, false);
    assert.equal(refused.decision.p_error, null);
    assert.ok(refused.notes.includes('profile_mismatch'));
  }
});

test('every target decides, and a request that a value is held against must say its tokens', { skip }, async () => {
  const signals = { version: 1, origin: 'measured', tokens: 3, label_max: 0.2 };
  const facts = { task: profile.task, prompt_tokens: 40, max_tokens: 8 }; // at most 180 micro-dollars
  for (const [target, expected] of [
    [undefined, 'low_confidence'],
    [{ risk: profile.target.alpha, confidence: 1 - profile.target.delta }, 'low_confidence'],
    [{ escalationRate: 0.2 }, 'low_confidence'],
    [{ valuePerCorrect: 20_000 }, 'low_confidence'],
    [{ valuePerCorrect: 1 }, 'not_worth'],
  ]) {
    const router = await route.createRouter({ remotes, escalation: target === undefined ? {} : { target } });
    const trace = router.settle(router.review(router.decide(facts), signals));
    assert.equal(trace.decision.reason, expected, JSON.stringify(target));
    assert.equal(router.replay(trace).identical, true);
    assert.equal((await route.createRouter({ remotes, state: router.state })).state.requests, 1);
  }
  const router = await route.createRouter({ remotes, escalation: { target: { valuePerCorrect: 20_000 } } });
  assert.throws(() => router.decide({ prompt_tokens: 40 }), ({ code, detail }) => code === 'invalid_request' && detail.param === 'facts.max_tokens');
});

test('after a crash the module is another one, and what was made in it is there again', { skip }, async () => {
  const { call } = await import('../../pkg/dist/route/module.js');
  const { openHeads, routeModule } = await import('../../pkg/dist/route/lazy.js');
  const [router, other] = [await route.createRouter({ remotes, profiles: [profile], binding: profile.binding }), await route.createRouter({ remotes })];
  const signals = { version: 1, origin: 'measured', tokens: 3, label_max: 0.2 };
  const decided = (one) => one.settle(one.review(one.decide({ task: profile.task }, 'same'), signals));
  const [before, config] = [decided(router), router.config()];
  const { requests } = router.state;
  const glue = await routeModule();
  const binding = JSON.stringify({ model_hash: 'm', quantization: '', tokenizer_hash: 't', state: 's' });
  const heads = await openHeads();
  const fit = () => heads.fit(Float32Array.from([1, 0, 0, 1, 1, 0.1, 0.1, 1]), Uint32Array.from([0, 1, 0, 1]), ['x', 'y'], binding, {});
  const text = fit();
  const head = heads.open(JSON.parse(text), binding);
  const asked = () => head.call((one) => [one.labels(), ...one.predict(Float32Array.from([0, 1]))]);
  const said = asked();
  const crash = () => assert.throws(() => call(glue, () => { throw new WebAssembly.RuntimeError('unreachable'); }), ({ code, message }) => code === 'internal' && /started again/.test(message));
  for (let i = 0; i < 3; i++) {
    crash();
    assert.deepEqual(asked(), said);
    assert.equal(fit(), text);
    assert.deepEqual(router.config(), config);
    assert.equal(router.state.requests, requests + i, 'the session goes on');
    assert.deepEqual(decided(router).decision, before.decision);
    assert.equal(router.replay(before).identical, true);
    assert.match(router.explain(before), /\.$/);
    assert.equal(other.decide().decision.reason, null);
  }
  // A browser that makes no instance but behind a promise: until it is there, the error says so.
  const { Instance } = WebAssembly;
  WebAssembly.Instance = class { constructor() { throw new RangeError('disallowed on the main thread'); } };
  crash();
  WebAssembly.Instance = Instance;
  assert.throws(() => router.decide(), ({ code, message }) => code === 'internal' && /ask again/.test(message));
  assert.equal(await routeModule(), glue);
  assert.deepEqual(decided(router).decision, before.decision);
  assert.deepEqual(asked(), said);
});

test('two sessions name no two requests alike', { skip }, async () => {
  const first = await route.createRouter({ remotes });
  const second = await route.createRouter({ remotes, state: first.state });
  const ids = [first, second].flatMap((router) => [router.decide(), router.decide()]).map((step) => step.inputs.id);
  assert.equal(new Set(ids).size, 4, ids.join(' '));
});

/** A calibration with this threshold, which keeps everything. */
const promising = (threshold) => ({ ...profile, threshold, groups: {} });
const checked = { version: 1, origin: 'measured', tokens: 1, label_max: 0.999 };

test('audited answers that are wrong too often suspend a calibration, until somebody has seen to it', { skip }, async () => {
  const risky = promising({ mode: 'risk', below: null, alpha: 0.05, delta: 0.1, n: 1000, kept: 800, errors: 20, bound: 0.04 });
  for (const [how, conclude] of [
    ['by what users say', (router, review, ok) => router.feedback(router.settle(review), { ok })],
    ['by what the remote model said', (router, review, ok) => router.settle(review, { remote: 'answered', local_ok: ok })],
  ]) {
    const alarms = [];
    const router = await route.createRouter({ remotes, profiles: [risky], binding: profile.binding, privacy: { consent: 'free' }, onAlarm: (alarm) => alarms.push(alarm) });
    const review = () => router.review(router.decide({ task: profile.task, audit: true }), checked);
    assert.equal(review().decision.action, 'audit');
    for (let i = 0; i < 50; i++) conclude(router, review(), i % 5 !== 0);
    const [alarm] = alarms.filter(({ kind }) => kind === 'risk_broken');
    assert.equal(alarm?.action, 'suspend', how);
    assert.match(alarm.message, /^10 of 50 audited answers were wrong/);
    const suspended = review();
    assert.ok(suspended.notes.includes('suspended') && !suspended.decision.calibrated, how);
    assert.notEqual(suspended.decision.score?.kind, 'calibrated', 'the conservative rule decides');
    assert.equal(router.replay(suspended).identical, true);
    router.acknowledge('risk_broken');
    assert.equal(review().decision.calibrated, true);
  }
});

test('the second word on an audited answer is no second audit, and what was not drawn is none', { skip }, async () => {
  const risky = promising({ mode: 'risk', below: null, alpha: 0.05, delta: 0.1, n: 1000, kept: 800, errors: 20, bound: 0.04 });
  const router = await route.createRouter({ profiles: [risky], binding: profile.binding });
  const audited = () => Object.values(router.state.drift)[0].audit;
  const drawn = router.settle(router.review(router.decide({ task: profile.task, audit: true }), checked));
  assert.equal(drawn.decision.asked, 'audit_sample');
  router.feedback(drawn, { ok: false });
  router.feedback(drawn, { ok: true });
  router.feedback(router.settle(router.review(router.decide({ task: profile.task }), checked)), { ok: false });
  assert.deepEqual(audited(), { k: 1, n: 1 });
});

test('another model and other prices raise alarms where a calibration was watched', { skip }, async () => {
  const priced = promising({ mode: 'value_per_correct', below: null, value: 10_000, cost: 1_000, fixes: 1, holds: 1 });
  const alarms = [];
  const options = { profiles: [priced], binding: profile.binding, onAlarm: ({ kind, action }) => alarms.push([kind, action]) };
  const router = await route.createRouter({ ...options, remotes });
  const settled = (router, binding) => router.settle(router.review(router.decide({ task: profile.task }, 'r', binding), checked));
  settled(router);
  assert.equal(settled(router, { sampler: 't=1' }).inputs.calibration.field, 'sampler');
  assert.deepEqual(alarms, [], 'that request alone is refused');
  const dear = await route.createRouter({ ...options, remotes: [{ name: 'strong', price: { ...price, perRequest: 1 } }], state: router.state });
  settled(dear);
  assert.deepEqual(alarms, [['price_changed', 'warn']]);
  const other = settled(dear, { model_hash: 'other' });
  assert.deepEqual(alarms.slice(1), [['model_changed', 'suspend']]);
  assert.ok(other.notes.includes('profile_mismatch') && !other.decision.calibrated);
  assert.ok(settled(dear).notes.includes('suspended'), 'also when it is there again');
  dear.acknowledge('model_changed');
  assert.equal(settled(dear).decision.calibrated, true);
});

test('an app that stumbles over an alarm loses nothing by it', { skip }, async () => {
  const risky = promising({ mode: 'risk', below: null, alpha: 0.05, delta: 0.1, n: 1000, kept: 800, errors: 20, bound: 0.04 });
  const stumble = new Error('the app stumbles');
  const onAlarm = () => { throw stumble; };
  const router = await route.createRouter({ profiles: [risky], binding: profile.binding, onAlarm });
  const { reportError } = globalThis;
  const reported = [];
  globalThis.reportError = (error) => reported.push(error);
  try {
    for (let i = 0; i < 50; i++) {
      const trace = router.settle(router.review(router.decide({ task: profile.task, audit: true }), checked));
      router.audit(trace, i % 5 !== 0);
    }
  } finally {
    globalThis.reportError = reportError;
  }
  assert.ok(reported.length > 0 && reported.every((error) => error === stumble), `${reported.length} reported`);
  assert.equal(router.state.requests, 50);
  assert.ok(router.review(router.decide({ task: profile.task }), checked).notes.includes('suspended'), 'it has had its effect');
});

test('what is unknown or no number is refused by its path', { skip }, async () => {
  const { createRouter } = route;
  for (const [options, param] of [
    [{ mood: 1 }, 'mood'],
    [{ mode: 'observe' }, 'policy.mode'],
    [{ escalation: { target: { risk: NaN } } }, 'policy.escalation.target.risk'],
    [{ remotes: [{ name: 'a', price: { ...price, inputPerMillion: 0.5 } }] }, 'policy.remotes[0].price.inputPerMillion'],
    [{ escalation: { maxRates: 1 } }, 'policy.escalation.maxRates'],
    [{ state: {} }, 'state'],
    [{ profiles: {} }, 'profiles'],
    [{ onAlarm: 1 }, 'onAlarm'],
  ]) {
    await assert.rejects(createRouter(options), ({ code, detail }) => code === 'invalid_request' && detail.param === param, param);
  }
  const router = await createRouter({ remotes });
  const refused = (work, param) => assert.throws(work, ({ name, code, detail }) => name === 'KingletError' && code === 'invalid_request' && detail.param === param);
  refused(() => router.decide({ complexity: Infinity }), 'facts.complexity');
  refused(() => router.decide({ tokens: 1 }), 'facts.tokens');
  const step = router.decide();
  refused(() => router.review(step, { version: 1, origin: 'measured', min_margin: NaN }), 'answer.signals.min_margin');
  refused(() => router.review(step, { version: 1, origin: 'measured', surprise: 1 }), 'answer.signals.surprise');
  refused(() => router.settle(step), 'review.decision.reason');
  const loop = {};
  loop.payload = loop;
  refused(() => router.decide(loop), 'facts');
  refused(() => router.decide({ toJSON: () => ({ complexity: -Infinity }) }), 'facts.complexity'); // what is said, not what it is said of
  refused(() => router.decide({ payload: [{}, { toJSON: () => NaN }] }), 'facts.payload[1]');
  for (const levels of [100, 2000, 2250, 2500, 3000, 4000, 5000, 20_000]) {
    let deep = {};
    for (let i = 0; i < levels; i++) deep = { deep };
    assert.throws(() => router.decide(deep), { name: 'KingletError', code: 'invalid_request' }, `${levels} levels`);
  }
  for (const verdict of [null, undefined, true]) refused(() => router.feedback(step, verdict), 'feedback');
  for (const trace of [undefined, null, {}, { inputs: {} }, 'x']) refused(() => router.feedback(trace, { ok: true }), 'trace');
  assert.equal(router.decide({ online: false }).gates[0].reason, 'offline'); // it goes on after errors
});

/** Whatever comes in, what goes out is an answer or an error of ours that says where. */
test('hostile input is a typed error, and the router goes on', { skip }, async () => {
  const { createRouter } = route;
  const target = { risk: profile.target.alpha, confidence: 1 - profile.target.delta };
  const router = await createRouter({ remotes, profiles: [profile], binding: profile.binding, escalation: { target } });
  const step = router.decide({ task: profile.task });
  const trace = router.settle(router.review(step, { version: 1, origin: 'measured', label_max: 0.9 }));
  const cyclic = { a: {} };
  cyclic.a.b = cyclic;
  let deep = {};
  for (let i = 0; i < 20_000; i++) deep = { deep };
  const getter = Object.defineProperty({}, 'task', { enumerable: true, get: () => { throw new Error('no'); } });
  let looks = 0;
  const twice = Object.defineProperty({}, 'complexity', { enumerable: true, get: () => (looks++ === 0 ? NaN : 0.5) });
  const proxy = new Proxy({}, { ownKeys: () => { throw new Error('no'); } });
  const polluting = JSON.parse('{"__proto__": {"task": "t"}, "constructor": 1}');
  const [long, longest] = ['x'.repeat(50_000), 'x'.repeat(10_000_000)];
  const values = [
    undefined, null, true, 1, NaN, Infinity, -0, 1e308, 2 ** 60, 10n, '', 'x', long, Symbol('s'), () => 1, [], [1], [[[]]], {}, { a: 1 }, { task: long }, { toJSON: () => 'x' },
    { toJSON: () => { throw new Error('no'); } }, cyclic, deep, getter, twice, proxy, polluting, Object.create(null), new Map([[1, 2]]), new Date(NaN), new Uint8Array(3), { id: 1e400 }, { signals: null },
  ];
  const spoilt = (document) => Object.keys(document).flatMap((key) => [null, 1e308, -1, NaN, 10n, long, '__proto__', [], {}, cyclic].map((value) => ({ ...document, [key]: value })));
  const lacking = (document) => Object.keys(document).map((key) => ({ ...document, [key]: undefined }));
  const nasty = (document) => [...values, ...spoilt(document), ...lacking(document), { ...document, more: 1 }];
  const calls = [
    ...[...nasty({ remotes, mode: 'prefer-local' }), ...nasty(profile).map((one) => ({ profiles: [one] })), ...nasty(profile.binding).map((binding) => ({ profiles: [profile], binding }))].map((options) => () => createRouter(options)),
    ...nasty(price).map((one) => () => createRouter({ remotes: [{ name: 'r', price: one }] })),
    ...nasty(router.state).map((state) => () => createRouter({ state })),
    ...nasty({ task: 't', prompt_tokens: 1, payload: [] }).map((facts) => () => router.decide(facts)),
    ...values.map((id) => () => router.decide({}, id)),
    ...nasty(profile.binding).map((binding) => () => router.decide({ task: 't' }, 'r', binding)),
    ...values.map((binding) => () => router.config(binding)),
    ...nasty(step).map((one) => () => router.review(one, { version: 1, origin: 'measured' })),
    ...nasty({ version: 1, origin: 'measured', label_max: 0.5 }).map((signals) => () => router.review(step, signals)),
    ...values.map((ended) => () => router.review(step, { version: 0, origin: 'none' }, ended)),
    ...nasty(trace).flatMap((one) => [() => router.replay(one), () => router.explain(one), () => router.settle(one), () => router.feedback(one, { ok: true })]),
    ...nasty({ remote: 'answered', usage: { input: 1, output: 1 }, local_ok: true }).map((outcome) => () => router.settle(trace, outcome)),
    ...nasty({ ok: true, remoteOk: false }).map((verdict) => () => router.feedback(trace, verdict)),
    ...nasty(trace).map((one) => () => router.audit(one, true)),
    ...values.filter((right) => typeof right !== 'boolean').map((right) => () => router.audit(trace, right)),
    ...values.map((kind) => () => router.acknowledge(kind)),
    ...[() => createRouter({ profiles: [{ ...profile, data_digest: longest }] }), () => router.decide({ task: longest }), () => router.decide({}, longest), () => router.explain(longest)],
    ...nasty(chat()).map((answer) => () => route.fromOpenAI(answer)),
    ...values.flatMap((answer) => [() => route.fromWllama([answer]), () => route.fromPromptAPI(answer), () => route.fromPromptAPI('x', answer), () => route.promptFacts(answer)]),
  ];
  let refused = 0;
  for (const [i, work] of calls.entries()) {
    try {
      await work();
    } catch (error) {
      assert.ok(error.name === 'KingletError' && error.code === 'invalid_request' && error.detail.param !== '', `call ${i}, ${work}: ${error.code} ${error.message.slice(0, 300)} ${error.stack}`);
      refused += 1;
    }
  }
  assert.ok(refused > calls.length / 2, `${refused} of ${calls.length} were refused`);
  assert.equal({}.task, undefined, 'no prototype was reached');
  assert.equal(router.replay(trace).identical, true);
  assert.equal(router.decide({ task: profile.task }).inputs.calibration.kind, 'fits');
});

test('the configuration names every default', { skip }, async () => {
  const { policy, profiles } = (await route.createRouter({ profiles: [profile] })).config();
  assert.equal(policy.mode, 'prefer-local');
  assert.equal(policy.escalation.repetitionBound, 0.5);
  assert.equal(policy.escalation.conservative, 'quarter');
  assert.deepEqual(policy.privacy, { consent: 'ask', redact: 'no' });
  assert.equal(profiles[0].calibration.kind, 'refused');
  const router = await route.createRouter({ profiles: [profile] });
  assert.equal(router.config(profile.binding).profiles[0].calibration.kind, 'fits');
  assert.equal(router.config({ ...profile.binding, sampler: 't=1' }).profiles[0].calibration.field, 'sampler');
});

/** As WebLLM 0.2 and wllama 3 declare it: a chat's answer. */
const chat = (finish_reason = 'stop') => ({
  id: 'c', object: 'chat.completion', created: 1, model: 'm', usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 },
  choices: [{
    index: 0,
    finish_reason,
    message: { role: 'assistant', content: 'de' },
    logprobs: {
      content: [
        { token: 'd', bytes: [100], logprob: -0.1, top_logprobs: [{ token: 'd', bytes: [100], logprob: -0.1 }, { token: 'x', bytes: [120], logprob: -2.6 }] },
        { token: 'e', bytes: [101], logprob: -0.5, top_logprobs: [{ token: 'e', bytes: [101], logprob: -0.5 }, { token: 'y', bytes: [121], logprob: -Infinity }] },
      ],
    },
  }],
});

test('answers of WebLLM become signals, whole or in chunks', { skip }, async () => {
  const whole = await route.fromWebLLM(chat('length'));
  assert.equal(whole.origin, 'reported');
  assert.equal(whole.tokens, 2);
  assert.ok(Math.abs(whole.mean_logprob + 0.3) < 1e-12);
  assert.equal(whole.first_margin, 2.5);
  assert.equal(whole.truncated, true);
  assert.equal(whole.empty, false);
  const [choice] = chat().choices;
  const chunks = choice.logprobs.content.map((token, i) => ({
    choices: [{ index: 0, delta: { content: token.token }, finish_reason: i === 1 ? 'length' : null, logprobs: { content: [token] } }],
  }));
  assert.deepEqual(await route.fromWebLLM([...chunks, { choices: [], usage: {} }]), whole);
  const without = await route.fromWebLLM({ choices: [{ ...choice, logprobs: null }] });
  assert.equal(without.origin, 'none');
});

test('answers of wllama become signals: chats, and raw completions', { skip }, async () => {
  assert.equal((await route.fromWllama(chat())).truncated, false);
  const raw = {
    id: 'r', object: 'text_completion', created: 1, model: 'm',
    choices: [{
      text: '{"a": 7}', index: 0, finish_reason: 'stop',
      logprobs: { tokens: ['{"a": ', '7', '}'], token_logprobs: [-0.01, -2, -0.01], top_logprobs: [{ '{"a": ': -0.01, x: -5 }, { 6: -1, 7: -2 }, { '}': -0.01, ' ': -6 }], text_offset: [0, 6, 7] },
    }],
  };
  const signals = await route.fromWllama(raw, { form: 'json' });
  assert.equal(signals.anchor_logprob, -2);
  assert.equal(signals.min_logprob, -2);
  await assert.rejects(route.fromWllama({ choices: [{ ...raw.choices[0], logprobs: { ...raw.choices[0].logprobs, token_logprobs: [NaN, 0, 0] } }] }), { code: 'invalid_request' });
});

test('the Prompt API has no probabilities, and the decision says so', { skip }, async () => {
  const router = await route.createRouter({ remotes });
  const session = { contextUsage: 100, contextWindow: 6144 };
  const facts = route.promptFacts(session, 50);
  assert.deepEqual(facts, { context: 6144, prompt_tokens: 150 });
  assert.deepEqual(route.promptFacts(undefined), { local: 'absent' });
  const review = router.review(router.decide(facts), await route.fromPromptAPI('Hello.'));
  assert.equal(review.decision.reason, 'no_objection');
  assert.ok(review.notes.includes('no_probabilities'));
  assert.match(router.explain(review), /the engine reports no probabilities/);
  const failed = router.review(router.decide(facts), await route.fromPromptAPI('Hello.', { verified: false }));
  assert.equal(failed.decision.reason, 'verifier_failed');
  assert.equal((await route.fromPromptAPI(' ')).empty, true);
});

/** What a built script imports, at once or later, and what that imports. */
function graph(entry, found = new Set()) {
  if (found.has(entry)) return found;
  found.add(entry);
  const text = read(entry);
  for (const [, path] of text.matchAll(/(?:from|import)\s*\(?"(\.[^"]+)"/g)) {
    graph(fileURLToPath(new URL(path, new URL(entry, ROOT))).slice(fileURLToPath(ROOT).length), found);
  }
  return found;
}

test('no path leads from kinglet/route to the engine', { skip }, () => {
  const modules = [...graph('pkg/dist/route/index.js')];
  assert.ok(modules.includes('pkg/wasm/kinglet_route.js'), modules.join(' '));
  const engine = /kinglet\.js|kinglet_relaxed|kinglet_grammar|worker|serve|client|hosts|sources|store/;
  assert.deepEqual(modules.filter((module) => engine.test(module)), []);
  assert.ok([...graph('pkg/dist/index.js')].some((module) => engine.test(module)), 'the search finds it where it is');
});

test('the types have every reason and note of the page and the code', () => {
  const union = (name) => [...read('pkg/src/route/types.ts').split(`export type ${name} =`)[1].split(';')[0].matchAll(/'(\w+)'/g)].map((match) => match[1]);
  const table = read('docs/routing.md').split('\n## Reasons')[1].split('\n## ')[0];
  assert.deepEqual(union('Reason'), [...table.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]));
  const [, notes] = read('route/src/trace.rs').split('pub enum Note {');
  const snake = (name) => name.replace(/(?<!^)[A-Z]/g, '_$&').toLowerCase();
  assert.deepEqual(union('Note'), [...notes.split('\n}')[0].matchAll(/^ {4}(\w+),/gm)].map((match) => snake(match[1])));
});

test('adapters stay within sixty lines', () => {
  const names = readdirSync(new URL('pkg/src/route/adapters/', ROOT));
  assert.deepEqual(names.toSorted(), ['openai.ts', 'prompt-api.ts', 'web-llm.ts', 'wllama.ts'], 'each has a test above');
  for (const name of names) {
    const count = read(`pkg/src/route/adapters/${name}`).trimEnd().split('\n').length;
    assert.ok(count <= 60, `${name}: ${count}`);
  }
});
