// The task calls with the real engine and the project's own model in Node; their verifiers; and that a wrong call names what
// is wrong.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { chosen, places } from '../../pkg/dist/tasks/extract.js';
import { routeModule } from '../../pkg/dist/route/lazy.js';
import { agreement } from '../../pkg/dist/tasks/agree.js';
import { wordsOf, quotations, Source, verify } from '../../pkg/dist/tasks/quotes.js';
import { messagesFor } from '../../pkg/dist/tasks/prompts.js';
import { refuses } from '../../pkg/dist/tasks/refusal.js';
import { joined, SIGNAL_VERSION } from '../../pkg/dist/tasks/signals.js';
import { notBuilt } from './support/browser.mjs';
import { DESK, noDesk } from './support/desk.mjs';
import { nodeKinglet } from './support/node-engine.mjs';

const skip = noDesk() ?? false;
const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

let desk;
let close;
before(async () => {
  if (!skip) ({ kinglet: desk, close } = await nodeKinglet(DESK));
});
after(() => close?.());

const near = (a, b, by = 1e-9) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`);
const refused = (call, param) => assert.rejects(call, (e) => e.code === 'invalid_request' && e.detail.param === param || assert.fail(`${e.code} ${e.detail?.param} instead of ${param}: ${e.message}`));
const PARCEL = 'My parcel should have come on Monday and it is still not here. Can you find out where it is?';
const LABELS = ['where is my order', 'refund', 'change address', 'forgotten password'];
const REFUNDS = 'Refunds go back to the card that you paid with. A refund takes five working days. Shipping costs are not refunded.';

test('classify: shares of the labels, best first, and their signals', { skip }, async () => {
  const { label, scores, kinglet } = await desk.classify(PARCEL, LABELS, { none: true });
  assert.equal(label, 'where is my order');
  assert.deepEqual(scores.map((one) => one.label).toSorted(), [...LABELS, 'none of these'].toSorted());
  assert.ok(scores.every(({ score }, i) => i === 0 || score <= scores[i - 1].score));
  const { signals } = kinglet;
  near(scores.filter(({ bound }) => !bound).reduce((sum, { score }) => sum + score, 0), 1);
  near(signals.label_max, scores[0].score);
  near(signals.label_margin, scores[0].score - scores.filter(({ bound }) => !bound)[1].score);
  assert.equal(scores.find((one) => one.label === 'none of these').bound, undefined, 'always computed');
  near(signals.label_none, scores.find((one) => one.label === 'none of these').score);
  assert.ok(signals.label_mass > 0 && signals.label_mass <= 1);
  near(signals.mean_logprob * signals.tokens, Math.log(signals.label_max * signals.label_mass), 1e-5);
  assert.match(kinglet.id, /^task-[0-9a-f]{32}$/);
  assert.equal(signals.version, SIGNAL_VERSION);
  assert.equal(kinglet.usage.prompt_tokens, signals.prompt_tokens);
});

test('classify: what fits none of the labels is null, and the list of labels stays in the cache', { skip }, async () => {
  const ask = (text) => desk.classify(text, ['late parcel', 'refund', 'change address'], { none: 'none of these' });
  const { label } = await ask('Hello, how are you today?');
  assert.equal(label, null);
  const again = await ask('The kettle broke.');
  assert.ok(again.kinglet.timings.reused_tokens > 10, `${again.kinglet.timings.reused_tokens} tokens`);
});

const EXAMPLES = [
  ['Where is my parcel?', 'late parcel'], ['My delivery has not come yet.', 'late parcel'], ['The parcel is late.', 'late parcel'],
  ['I want my money back.', 'refund'], ['Please pay back what I paid.', 'refund'], ['Can I have a refund?', 'refund'],
  ['I have moved to another street.', 'change address'], ['My new address is 5 Mill Lane.', 'change address'], ['Please change my address.', 'change address'],
].map(([text, label]) => ({ text, label }));
const OFFERED = ['late parcel', 'refund', 'change address'];

test('classify by a head: fitted here, the same whatever the order, kept as JSON, and refused by another model', { skip }, async () => {
  const head = await desk.fitHead(EXAMPLES);
  assert.deepEqual(head, await desk.fitHead(EXAMPLES.toReversed()));
  assert.deepEqual([head.labels, head.examples], [OFFERED.toSorted(), [3, 3, 3]]);
  assert.ok(JSON.stringify(head).length < 5000, `${JSON.stringify(head).length} bytes`);
  for (const { text, label } of EXAMPLES) {
    const found = await desk.classify(text, OFFERED, { head: JSON.parse(JSON.stringify(head)) });
    assert.equal(found.label, label, text);
    const { head_max, head_margin, label_max, origin } = found.kinglet.signals;
    near(head_max, found.scores[0].score);
    near(head_margin, found.scores[0].score - found.scores[1].score);
    assert.deepEqual([label_max, origin], [null, 'measured']);
    near(found.scores.reduce((sum, { score }) => sum + score, 0), 1);
  }
  const some = await desk.classify(EXAMPLES[0].text, ['refund', 'change address'], { head });
  assert.deepEqual(some.scores.map(({ label }) => label).toSorted(), ['change address', 'refund'], 'only what is offered');
  const listed = await desk.classify(EXAMPLES[0].text, OFFERED, { examples: EXAMPLES });
  assert.equal(listed.label, 'late parcel');
  const foreign = { ...head, binding: { ...head.binding, model_hash: 'another' } };
  await assert.rejects(desk.classify('a', OFFERED, { head: foreign }), (e) => e.code === 'profile_mismatch' && e.detail.field === 'model_hash');
  for (const [call, param] of [
    [() => desk.classify('a', ['late parcel', 'invoice'], { head }), 'labels[1]'],
    [() => desk.classify('a', OFFERED, { head, none: true }), 'options.none'],
    [() => desk.classify('a', OFFERED, { head, examples: EXAMPLES }), 'options.examples'],
    [() => desk.classify('a', OFFERED, { head: { ...head, weights: 'AAAA' } }), 'head.weights'],
    [() => desk.fitHead(EXAMPLES.slice(0, 3)), 'labels'],
    [() => desk.fitHead([{ text: 'a' }]), 'examples[0].label'],
    [() => desk.fitHead(EXAMPLES, { c: 0 }), 'options.c'],
  ]) {
    await refused(call(), param);
  }
});

test('a head that is fitted in Wasm has the bits of one that is fitted natively', { skip: notBuilt() ?? false }, async () => {
  const { c, states, labels, probabilities } = JSON.parse(read('tests/cases/head.json'))[1];
  const names = probabilities[0].map((_, i) => `label ${i}`);
  const binding = JSON.stringify({ model_hash: '', quantization: '', tokenizer_hash: '', state: '' });
  const { fit_head } = await routeModule();
  const fitted = () => fit_head(Float32Array.from(states), Uint32Array.from(labels), names, binding, JSON.stringify({ c }));
  assert.equal(fitted(), read('tests/cases/head_fitted.json').trim()); // route/src/head/tests.rs holds to the same line
  labels[0] = 6 - labels[0];
  assert.notEqual(fitted(), read('tests/cases/head_fitted.json').trim(), 'another label would be noticed');
});

const said = (answers, json) => agreement(answers, json);

test('answers agree as the engine has it: the cases of route/src/agree.rs', () => {
  assert.equal(said(['On  Monday.', ' on monday\n'], false), 1);
  assert.equal(said(['a', 'a', 'b'], false), 1 / 3);
  assert.equal(said(['a', 'b', 'c', 'd'], false), 0);
  assert.equal(said(['a!', 'a'], false), 0);
  const same = ['{"a": 1, "b": ["x"]}', '{"b":["x"],"a":1.0}'];
  assert.deepEqual([said(same, true), said(same, false)], [1, 0]);
  for (const pair of [['{"a": "x"}', '{"a": "X"}'], ['[1, 2]', '[2, 1]'], ['[1]', '[1, 1]'], ['9007199254740993', '9007199254740992'], ['1', '"1"'], ['{}', '{'], ['{"a": null}', '{"b": null}'], ['{}', '[]'], ['null', '{}'], ['{"__proto__": 1}', '{}']]) {
    assert.equal(said(pair, true), 0, pair.join(' '));
  }
  assert.equal(said(['no JSON', 'No json.'], true), 1);
  const deep = '['.repeat(100_000);
  assert.equal(said([deep, deep], true), 1, 'as text: too deep to read');
});

test('samples: the answer stays the greedy one, and the others say how sure it is', { skip }, async () => {
  const text = 'Hello, this is Ann Li from Leeds. The lamp of my order 48213 arrived broken.';
  const fields = ['order number', 'name', 'city'];
  const [alone, beside] = [await desk.extract(text, fields), await desk.extract(text, fields, { samples: 4 })];
  assert.deepEqual([beside.value, beside.found], [alone.value, alone.found]);
  const { agreement: share, samples, mean_logprob } = beside.kinglet.signals;
  assert.deepEqual([alone.kinglet.signals.agreement, alone.kinglet.signals.samples, samples], [null, null, 4]);
  assert.equal(mean_logprob, alone.kinglet.signals.mean_logprob, 'of the answer itself');
  assert.ok([0, 1, 2, 3, 6].includes(Math.round(share * 6)) && Math.abs(share * 6 - Math.round(share * 6)) < 1e-9, `${share} of 6 pairs`);
  assert.ok(beside.kinglet.usage.completion_tokens > 2 * alone.kinglet.usage.completion_tokens);
  assert.equal(beside.kinglet.usage.prompt_tokens, alone.kinglet.usage.prompt_tokens, 'the prompt is counted once');
  assert.equal((await desk.extract(text, fields, { samples: 4 })).kinglet.signals.agreement, share, 'the same samples for the same request');
  // What is sure is said by all of them, what is made up is not.
  const sure = await desk.answer('How long does a refund take?', REFUNDS, { samples: 3 });
  assert.match(sure.answer, /five working days/i);
  assert.equal(sure.kinglet.signals.agreement, 1);
  const unsure = await desk.summarise(`${PARCEL} ${REFUNDS} The lamp broke, the kettle leaks, and nobody answers.`, { samples: 3 });
  assert.ok(unsure.kinglet.signals.agreement < 1, `${unsure.kinglet.signals.agreement}`);
  assert.equal(desk.binding(sure.kinglet.id).sampler, 'greedy samples=3', 'a calibration knows how many');
  assert.equal(desk.binding(alone.kinglet.id).sampler, 'greedy');
  for (const samples of [1, 5, 2.5, '3', Number.NaN]) await refused(desk.summarise('a', { samples }), 'options.samples');
  await refused(desk.classify('a', ['b', 'c'], { samples: 2 }), 'options.samples');
  await refused(desk.filter('a', { samples: 2 }), 'options.samples');
});

test('extract: JSON of the fields, each value looked for in the text', { skip }, async () => {
  const text = 'Hello, this is Ann Li from Leeds. The lamp of my order 48213 arrived broken.';
  const { value, found, kinglet } = await desk.extract(text, ['order number', 'name', 'city']);
  assert.deepEqual(value, { 'order number': '48213', name: 'Ann Li', city: 'Leeds' });
  assert.deepEqual(found, { 'order number': true, name: true, city: true });
  const { parse_ok, schema_ok, quote_ok, truncated } = kinglet.signals;
  assert.deepEqual({ parse_ok, schema_ok, quote_ok, truncated }, { parse_ok: true, schema_ok: true, quote_ok: true, truncated: false });
  // What the schema demands comes, whether the text has it or not: and is seen not to stand there. A choice need not.
  const schema = { type: 'object', properties: { size: { type: 'string', pattern: '^tiny$' }, kind: { enum: ['lamp?'] } }, required: ['size', 'kind'], additionalProperties: false };
  const forced = await desk.extract(text, schema);
  assert.deepEqual([forced.value, forced.found, forced.kinglet.signals.quote_ok], [{ size: 'tiny', kind: 'lamp?' }, { size: false }, false]);
  const cut = await desk.extract(text, ['name', 'city'], { maxTokens: 3 });
  assert.deepEqual([cut.value, cut.kinglet.signals.parse_ok, cut.kinglet.signals.truncated], [null, false, true]);
});

test('answer: from the passages, with where it stands; or nothing', { skip }, async () => {
  const { answer, quotes, kinglet } = await desk.answer('How long does a refund take?', REFUNDS);
  assert.match(answer, /five working days/i);
  assert.deepEqual(quotes.map(({ passage }) => passage), [0]);
  assert.deepEqual([kinglet.signals.quote_ok, kinglet.signals.refusal, kinglet.signals.retrieval_coverage], [true, false, 1]);
  // So small a model mixes two passages up, and what it then says stands in neither.
  const mixed = await desk.answer('How long does a refund take?', [{ id: 'hours', text: 'We open at nine.' }, { id: 'refunds', text: REFUNDS }]);
  assert.equal(mixed.answer, 'nine working days');
  assert.deepEqual([mixed.kinglet.signals.quote_ok, mixed.kinglet.signals.retrieval_coverage], [false, 1], 'every word stands somewhere, but not so');
  const unknown = await desk.answer('Who is the owner?', REFUNDS);
  assert.deepEqual([unknown.answer, unknown.text, unknown.kinglet.signals.refusal], [null, "I don't know.", true]);
  assert.equal(unknown.kinglet.signals.quote_ok, null, 'there is nothing to look for');
});

test('summarise and filter: what they give, and a risk for each side', { skip }, async () => {
  const kettle = 'Hello, I bought a kettle from you. After two weeks it stopped working. I would like a new one, please. Thank you and have a nice day.';
  const { summary, kinglet } = await desk.summarise(kettle);
  assert.match(summary, /kettle/i);
  assert.ok(kinglet.signals.retrieval_coverage > 0.3 && kinglet.signals.retrieval_coverage <= 1);
  const spam = 'You have won a free phone! Click the link now and enter your card number to claim your prize.';
  const held = await desk.filter(spam);
  assert.equal(held.verdict, 'hold');
  assert.ok(held.risk.hold < 0.05 && held.risk.pass > 0.95);
  const doubted = await desk.filter(spam, { maxRisk: { hold: 0 } });
  assert.equal(doubted.verdict, 'unsure', 'no side may bear this risk');
});

test('an app words the request itself, and chooses what it counts as', { skip }, async () => {
  const seen = [];
  const own = { task: 'intent', group: 'web', complexity: 0.25, prompt: (parts) => (seen.push(parts), `classify: ${parts.labels.join(', ')}\nmessage: ${parts.text}`) };
  const { label, kinglet } = await desk.classify(PARCEL, LABELS, own);
  assert.equal(label, 'where is my order');
  assert.deepEqual(seen, [{ text: PARCEL, labels: LABELS }]);
  assert.equal(kinglet.signals.complexity, 0.25);
  await refused(desk.classify('a', ['b'], { prompt: () => '' }), 'options.prompt');
});

test('a wrong call names what is wrong', { skip }, async () => {
  for (const [call, param] of [
    [desk.classify(1, ['a']), 'text'],
    [desk.classify(' ', ['a']), 'text'],
    [desk.classify('a', 'b'), 'labels'],
    [desk.classify('a', []), 'labels'],
    [desk.classify('a', ['b', '']), 'labels[1]'],
    [desk.classify('a', ['b', 'b']), 'labels[1]'],
    [desk.classify('a', ['none of these'], { none: true }), 'options.none'],
    [desk.classify('a', ['b'], { temperature: 1 }), 'options.temperature'],
    [desk.classify('a', ['b'], { style: 'phi' }), 'options.style'],
    [desk.classify('a', ['b'], { prompt: 'Label it.' }), 'options.prompt'],
    [desk.classify('a', ['b'], { complexity: Number.NaN }), 'options.complexity'],
    [desk.classify('a', ['b'], { signal: 1 }), 'signal'],
    [desk.extract('a', 'b'), 'schema'],
    [desk.extract('a', ['b'], { maxTokens: 0 }), 'options.maxTokens'],
    [desk.extract('a', ['b'], { maxTokens: 1.5 }), 'options.maxTokens'],
    [desk.answer('a', []), 'passages'],
    [desk.answer('a', ['b', { text: 'c', url: 'd' }]), 'passages[1].url'],
    [desk.answer('a', 1), 'passages'],
    // An index of the app's own says what it likes.
    ...[
      [undefined, 'hits'],
      [[], ''],
      [{ hits: {} }, 'hits'],
      [{ hits: [null] }, 'hits[0].id'],
      [{ hits: ['x'] }, 'hits[0]'],
      [{ hits: [{ id: 'a', text: 1 }] }, 'hits[0].text'],
      [{ hits: [], signals: 1 }, 'signals'],
      [{ hits: [], signals: { retrieval_top: NaN } }, 'signals.retrieval_top'],
    ].map(([found, at]) => [desk.answer('a', { search: async () => found }), ['passages.search()', at].filter(Boolean).join('.')]),
    [desk.summarise(), 'text'],
    [desk.filter('a', { maxRisk: { pass: 2 } }), 'options.maxRisk.pass'],
    [desk.filter('a', { maxRisk: { fail: 0 } }), 'options.maxRisk.fail'],
  ]) {
    await refused(call, param);
  }
  await assert.rejects(desk.extract('a', { type: 'nonsense' }), (e) => /grammar/.test(e.code));
});

test('a task that was aborted fails as aborted, and the next one is answered', { skip }, async () => {
  await assert.rejects(desk.classify(PARCEL, LABELS, { signal: AbortSignal.abort() }), (e) => e.code === 'aborted');
  const control = new AbortController();
  const asked = desk.summarise(`${PARCEL} `.repeat(12), { signal: control.signal });
  setTimeout(() => control.abort(), 5);
  await assert.rejects(asked, (e) => e.code === 'aborted');
  assert.equal((await desk.classify(PARCEL, LABELS)).label, 'where is my order');
});

test('with a target every answer is decided on, and says why', { skip }, async () => {
  const { kinglet, close } = await nodeKinglet(DESK, { remote: [{ name: 'strong', price: { inputPerMillion: 2_500_000, outputPerMillion: 10_000_000, currency: 'USD', asOf: '2026-11-22' } }], escalation: { target: { escalationRate: 0.5 } } });
  const sure = await kinglet.filter('You have won a free phone! Click the link now and enter your card number to claim your prize.');
  const cut = await kinglet.extract('Ann Li lives in Leeds.', ['name', 'city'], { maxTokens: 3 });
  for (const { kinglet: report } of [sure, cut]) {
    assert.equal(report.decision.id, report.id);
    assert.equal(typeof report.decision.reason, 'string');
    assert.ok((await kinglet.explain(report.id)).length > 10);
  }
  assert.notEqual(cut.kinglet.decision.reason, 'confident', 'an answer that is no JSON');
  await assert.rejects(kinglet.filter('a', { facts: { nonsense: 1 } }), (e) => e.code === 'invalid_request');
  close();
});

test('filter: each side is held to the threshold of its own side', { skip }, async () => {
  const [clean, spam] = ['Thank you, the parcel came today.', 'You have won a free phone! Click the link now and enter your card number to claim your prize.'];
  const made = JSON.parse(read('tests/cases/route/profile.json'));
  const { alpha, delta } = made.target;
  const threshold = (below) => ({ mode: 'risk', below, alpha, delta, n: 1000, kept: 800, errors: 20, bound: 0.04 });
  const probe = await desk.filter(clean);
  const binding = desk.binding(probe.kinglet.id);
  /** Decisions on both texts, where the sides keep what is below. */
  const decided = async (groups) => {
    const scorer = { ...made.scorer, bias: 10 }; // sure answers have odds that differ, too
    const profile = { ...made, task: 'filter', binding, scorer, threshold: threshold(null), groups };
    const { kinglet, close } = await nodeKinglet(DESK, { profiles: [profile], escalation: { target: { risk: alpha, confidence: 1 - delta } } });
    const found = {};
    for (const text of [clean, spam]) {
      const { verdict, kinglet: report } = await kinglet.filter(text);
      found[verdict] = { ...report.decision, group: kinglet.trace(report.id).inputs.facts.group };
    }
    close();
    return found;
  };
  const all = await decided({});
  assert.deepEqual([all.pass.group, all.hold.group], ['pass', 'hold']);
  assert.ok(all.pass.calibrated && all.hold.calibrated && all.pass.notes.includes('pooled_threshold'));
  assert.deepEqual([all.pass.asked, all.hold.asked], [null, null]);
  assert.ok(all.pass.p_error > 0 && all.hold.p_error > 0 && all.pass.p_error < 1 && all.hold.p_error < 1, `${all.pass.p_error} ${all.hold.p_error}`);
  for (const [strict, other] of [['pass', 'hold'], ['hold', 'pass']]) {
    const found = await decided({ [strict]: threshold(all[strict].p_error / 2), [other]: threshold(1) });
    assert.deepEqual([found[strict].asked, found[other].asked], ['low_confidence', null], `strict with ${strict}`);
    assert.ok(!found.pass.notes.includes('pooled_threshold') && !found.hold.notes.includes('pooled_threshold'));
  }
});

test('answer: what retrieval finds is a fact before anything is generated, and a signal after it', { skip }, async () => {
  const price = { inputPerMillion: 2_500_000, outputPerMillion: 10_000_000, currency: 'USD', asOf: '2026-11-22' };
  const { kinglet, close } = await nodeKinglet(DESK, { remote: [{ name: 'strong', price }], escalation: { conservative: 'checks-only', retrievalBound: 0.5 } });
  const index = await kinglet.createIndex({ store: 'memory' });
  await index.add([{ id: 'refunds', text: REFUNDS }, { id: 'hours', text: 'We open at nine on weekdays.' }]);
  const found = await kinglet.answer('How long does a refund take?', index, { k: 1 });
  const { retrieval_top, retrieval_margin, retrieval_coverage } = found.kinglet.signals;
  const facts = kinglet.trace(found.kinglet.id).inputs.facts;
  assert.deepEqual([facts.retrieval_top, facts.retrieval_margin], [retrieval_top, retrieval_margin]);
  assert.ok(retrieval_top >= 0.5 && retrieval_margin > 0 && retrieval_coverage > 0.5 && found.kinglet.decision.asked !== 'retrieval_miss');
  const missed = await kinglet.answer('Xylophones tuned on which Martian harps yesterday?', index, { k: 1 });
  const { inputs, decision } = kinglet.trace(missed.kinglet.id);
  assert.ok(inputs.facts.retrieval_top < 0.5, `${inputs.facts.retrieval_top}`);
  assert.deepEqual([decision.action, decision.reason, inputs.answer], ['remote', 'retrieval_miss', null], 'decided without a look at any answer');
  const none = await kinglet.answer('xylophone?', index);
  assert.deepEqual([none.kinglet.decision.reason, none.kinglet.usage.total_tokens], ['retrieval_miss', 0]);
  close();
});

test('the wordings for desk are those that it was trained on', () => {
  const cases = read('tests/cases/desk_prompts.jsonl').trim().split('\n').map((line) => JSON.parse(line));
  const parts = {
    classify: ({ part, text }) => ({ labels: part.split(',').map((label) => label.trim()), text }),
    extract: ({ part, text }) => ({ fields: part.split(',').map((field) => field.trim()), schema: {}, text }),
    answer: ({ part, text }) => ({ question: part, passages: [{ text }] }),
    summarise: ({ text }) => ({ text }),
    filter: ({ text }) => ({ text, hold: '' }),
  };
  const used = new Set();
  for (const one of cases.filter(({ task }) => parts[task])) {
    used.add(one.task);
    assert.deepEqual(messagesFor(one.task, parts[one.task](one), 'desk', {}), [{ role: 'user', content: one.prompt }]);
    const [{ content }] = messagesFor(one.task, parts[one.task](one), 'Phi 3', {});
    assert.notEqual(content, one.prompt);
    assert.ok(content.includes(one.text.trim()), 'another model gets the text as it is');
  }
  assert.equal(used.size, 5);
});

test('quotations: words without case, accents and punctuation, never a part of a word', () => {
  assert.deepEqual(wordsOf('Größe 42,5 – “NOW”: Crème, 12:30!'), ['große', '42,5', 'now', 'creme', '12:30']);
  assert.deepEqual(quotations('He said "five days" and “not before” and it\'s ‘so’.'), ['five days', 'not before', 'so']);
  const source = new Source(['It takes five working days.', 'The fee is £12.50 for order 480.']);
  assert.equal(source.find('Five  WORKING days'), 0);
  assert.equal(source.find('12.50'), 1);
  assert.equal(source.find('ork'), undefined, 'within a word');
  assert.equal(source.find('48'), undefined, 'within a number');
  assert.equal(source.find('?!'), undefined);
  assert.equal(source.coverage('It takes ten days'), 2 / 3);
  assert.equal(source.coverage('?'), undefined);
});

test('numbers are found however they are written; what a schema offers to choose from is not looked for', () => {
  const source = new Source(['Total: 1,250.00 EUR for two kettles of 12.50 kg. Saldo: 2.480,75. Minus 3.']);
  const there = [1250, 2, 12.5, 2480.75, -3];
  assert.deepEqual(there.map((number) => source.hasNumber(number)), there.map(() => true));
  assert.deepEqual([1251, 125, 50, 20].map((number) => source.hasNumber(number)), [false, false, false, false]);
  const schema = { type: 'object', properties: { kind: { enum: ['refund', 7] }, lines: { type: 'array', items: { anyOf: [{ const: 'fee' }, { type: 'string' }] } } } };
  const value = { kind: 'refund', total: 1250, lines: ['fee', 'kettles', 'pans'], paid: true, note: null };
  assert.deepEqual(places(value, source, chosen(schema)), { total: true, 'lines[1]': true, 'lines[2]': false });
});

test('an answer\'s quotations and numbers are looked for; one in words of its own is not judged', () => {
  const source = new Source(['A refund takes five working days.', 'The fee is £12.50.']);
  assert.deepEqual(verify('five working days', source), { quotes: [{ text: 'five working days', passage: 0 }], ok: true });
  assert.equal(verify('The text says "five working days". The fee is 12.50.', source).ok, true);
  assert.deepEqual(verify('The text says "some working days".', source), { quotes: [{ text: 'some working days', passage: null }], ok: false });
  assert.equal(verify('It costs 13.50.', source).ok, false, 'a number that is not there');
  assert.equal(verify('The fee: 12.50', source).ok, true);
  assert.equal(verify('12.50 working days', source).ok, false, 'a number of something else');
  assert.equal(verify('five days', source).ok, true, 'a number near what it is of');
  assert.equal(verify('About a week.', source).ok, undefined);
  assert.equal(verify('', source).ok, undefined);
});

test('refusals are known by how they begin', () => {
  for (const yes of ["I don't know.", 'I don’t know', 'Sorry, I cannot help with that.', 'That is beyond me, I am a small model.', 'The passages do not mention it.', 'Not stated.', 'I am not sure.', 'Unknown', '"Not found in the passages."']) {
    assert.equal(refuses(yes), true, yes);
  }
  for (const no of ['five working days', 'You should say that you do not know him.', 'Sorting takes a day.', 'The text says so.', 'Unknown callers are blocked', 'Not found until 1950.', '']) {
    assert.equal(refuses(no), false, no);
  }
});

test('signals: those of the engine with those of the task; what is no number is null', () => {
  const all = joined(undefined, { head_max: Number.NaN, quote_ok: undefined, complexity: 0, refusal: false });
  assert.deepEqual([all.origin, all.head_max, all.quote_ok, all.complexity, all.refusal], ['none', null, null, 0, false]);
  assert.equal(joined({ ...all, origin: 'measured', min_logprob: -1 }, { min_logprob: undefined }).min_logprob, -1);
});

test('names and version of the signals are those of the crate that decides', { skip }, async () => {
  const source = read('route/src/signals.rs');
  assert.equal(Number(/SIGNAL_VERSION: u32 = (\d+)/.exec(source)[1]), SIGNAL_VERSION);
  const names = new Set([...source.matchAll(/^ {4}pub (\w+):/gm)].map((match) => match[1]));
  assert.ok(names.size > 30);
  const answers = [await desk.classify('a', ['b', 'c'], { none: true }), await desk.extract('Ann', ['name']), await desk.answer('a', 'b'), await desk.filter('a'), await desk.summarise('a b c')];
  for (const { kinglet } of answers) {
    assert.deepEqual(new Set(Object.keys(kinglet.signals)), names);
  }
});
