// Decisions that are acted on: the real engine in Node asks a real server, which does on order what good servers do not.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { visible } from '../../pkg/dist/index.js';
import { notBuilt } from './support/browser.mjs';
import { startLlmFaults } from './support/faults-llm.mjs';

const NANO = fileURLToPath(new URL('../../models/desk/desk-nano.gguf', import.meta.url));
const skip = notBuilt() ?? false;
const price = { inputPerMillion: 2_500_000, outputPerMillion: 10_000_000, perRequest: 3, currency: 'USD', asOf: '2026-11-22' };
const ask = { messages: [{ role: 'user', content: 'What comes on Tuesday?' }], max_tokens: 12, temperature: 0 };
const free = { consent: 'free' };
/** Everything that no calibration speaks for is asked elsewhere. */
const escalate = { conservative: 'escalate' };

let server;
const opened = [];
before(async () => {
  server = await startLlmFaults();
});
after(async () => {
  opened.forEach((kinglet) => kinglet.dispose());
  await server?.close();
});

const remote = (order, more = {}) => ({ name: 'strong', price, baseURL: `${server.origin}/do/${order}/v1`, model: 'large', retries: 0, ...more });
async function open(options) {
  const { nodeKinglet } = await import('./support/node-engine.mjs');
  const { kinglet } = await nodeKinglet(NANO, { budget: { store: 'memory' }, ...options });
  opened.push(kinglet);
  return kinglet;
}
/** What the server would bill for its last requests, computed here. */
const billed = (rows) => rows.reduce((sum, { status, input, output }) => sum + (status === 200 ? Math.ceil((input * price.inputPerMillion + output * price.outputPerMillion) / 1e6) + price.perRequest : 0), 0);
async function read(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
  const parts = chunks.flatMap((chunk) => chunk.kinglet?.parts ?? []);
  return { chunks, text, parts, last: chunks.findLast((chunk) => chunk.kinglet?.decision)?.kinglet };
}
const kinds = (parts) => parts.map(({ type }) => type).filter((type, i, all) => type !== 'delta' || all[i - 1] !== 'delta');

test('a remote answer has OpenAI\'s shape, and under kinglet whose it is, why, and what it has cost', { skip }, async () => {
  const kinglet = await open({ mode: 'prefer-remote', remote: [remote('model=large-2')], privacy: free });
  server.truth.length = 0;
  const answer = await kinglet.chat.completions.create(ask);
  const { kinglet: own, choices, usage } = answer;
  assert.equal(choices[0].message.content, 'The kettle comes on Tuesday, grüß ');
  assert.equal(choices[0].finish_reason, 'stop');
  assert.deepEqual([own.source, own.escalation, own.decision.action, own.decision.reason], ['remote', 'answered', 'remote', 'policy_always']);
  assert.deepEqual([own.provenance.remote, own.provenance.model], ['strong', 'large-2']);
  const [{ input, output }] = server.truth;
  assert.deepEqual([usage.prompt_tokens, usage.completion_tokens], [input, output]);
  assert.equal(own.cost, billed(server.truth));
  const trace = kinglet.trace(answer.id);
  assert.deepEqual(trace.inputs.outcome.usage, { input, output });
  assert.equal(trace.inputs.answer, null, 'the small model was not asked');
  const [row] = await kinglet.ledger.rows();
  assert.deepEqual([row.source, row.cost, row.tokens, row.model], ['remote', own.cost, 'reported', 'large-2']);
  assert.ok(row.first_ms > 0 && row.first_ms <= row.latency_ms, JSON.stringify(row));
  const [left] = await kinglet.egress.entries();
  assert.deepEqual([left.remote, left.consent, left.redacted], ['strong', 'free', false]);
  assert.equal(left.bytes, Buffer.byteLength(JSON.stringify(server.truth[0].body)));
});

test('replace: parts show the local text and then the better one; choices only get what stands', { skip }, async () => {
  const kinglet = await open({ remote: [remote('ok')], privacy: free, escalation: { ...escalate, probation: 2 } });
  const { text, parts, last } = await read(await kinglet.chat.completions.create({ ...ask, stream: true }));
  assert.equal(text, 'The kettle comes on Tuesday, grüß ');
  assert.deepEqual(kinds(parts), ['segment', 'delta', 'segment', 'replace', 'delta', 'commit', 'decision', 'usage', 'finish']);
  const [first, second] = parts.filter(({ type }) => type === 'segment');
  assert.deepEqual([first.source, first.provisional, second.source, second.remote], ['local', true, 'remote', 'strong']);
  assert.equal(last.source, 'remote');
  const shown = [];
  for await (const snapshot of visible(await kinglet.chat.completions.create({ ...ask, stream: true }))) shown.push(snapshot);
  assert.equal(shown.at(-1), text);
  assert.ok(shown.length > 4 && !text.startsWith(shown[0]), 'the local text was shown first');
});

test('hold: nothing is shown before it stands; a schema is always held', { skip }, async () => {
  const kinglet = await open({ remote: [remote('ok')], privacy: free, escalation: { ...escalate, handover: 'hold' } });
  const { text, parts } = await read(await kinglet.chat.completions.create({ ...ask, stream: true }));
  assert.equal(text, 'The kettle comes on Tuesday, grüß ');
  assert.deepEqual(kinds(parts), ['segment', 'delta', 'commit', 'decision', 'usage', 'finish']);
  assert.equal(parts[0].source, 'remote');
});

test('a remote answer that breaks off gives way to the local one, which is marked', { skip }, async () => {
  const only = await open({ mode: 'only-local' });
  const expected = (await only.chat.completions.create(ask)).choices[0].message.content;
  for (const order of ['cut=3', 'stop=3,nofinish,nodone', 'status=500', 'html', 'jsonerror', 'error=2', 'redirect=302', 'filter']) {
    const kinglet = await open({ remote: [remote(order)], privacy: free, escalation: escalate });
    server.truth.length = 0;
    const { text, parts, last } = await read(await kinglet.chat.completions.create({ ...ask, stream: true }));
    assert.equal(text, expected, order);
    assert.deepEqual([last.source, last.escalation, last.decision.action, last.decision.reason], ['local', 'failed', 'local', 'remote_failed'], order);
    assert.equal((await kinglet.ledger.rows()).at(-1).reason, 'remote_failed', 'the row has the reason that it ended with');
    assert.equal(parts.filter(({ type }) => type === 'error').length, 1, order);
    let shown = '';
    const texts = new Map();
    let current;
    for (const part of parts) {
      if (part.type === 'segment') {
        texts.set(part.id, '');
        current ??= part.id;
      }
      if (part.type === 'delta') texts.set(part.segment, texts.get(part.segment) + part.text);
      if (part.type === 'replace') current = part.to;
      shown = texts.get(current);
    }
    assert.equal(shown, expected, `${order}: what is shown at last`);
    assert.ok(last.cost >= billed(server.truth), `${order}: ${last.cost} is not less than ${billed(server.truth)}`);
  }
});

test('remote models are asked in their order; named ones for what only they can make good', { skip }, async () => {
  const names = async (remotes, more = {}) => {
    const kinglet = await open({ mode: 'prefer-remote', remote: remotes, privacy: free, ...more });
    const { kinglet: own } = await kinglet.chat.completions.create(ask);
    return own.provenance?.remote ?? own.source;
  };
  const second = remote('ok', { name: 'second' });
  const third = remote('ok', { name: 'third' });
  assert.equal(await names([remote('status=500'), second, third]), 'second');
  assert.equal(await names([remote('overflow', { onOverflow: 'third' }), second, third]), 'third');
  assert.equal(await names([remote('overflow'), second, third]), 'local', 'nobody is named for it');
  assert.equal(await names([remote('filter', { onContentFilter: 'third' }), second, third]), 'third');
  assert.equal(await names([remote('filter'), second, third]), 'local');
  const cheap = { ...price, inputPerMillion: 1, outputPerMillion: 1, perRequest: 0 };
  const dear = remote('ok', { onBudget: 'cheap' });
  assert.equal(await names([dear, second, remote('ok', { name: 'cheap', price: cheap })], { budget: { perRequest: 500, store: 'memory' } }), 'cheap');
});

test('without a yes nothing leaves; the user sees exactly what would', { skip }, async () => {
  const quiet = await open({ mode: 'prefer-remote', remote: [remote('ok')] });
  server.truth.length = 0;
  const denied = await quiet.chat.completions.create(ask);
  assert.deepEqual([denied.kinglet.source, denied.kinglet.escalation, denied.kinglet.decision.reason], ['local', 'consent_denied', 'consent_denied']);
  assert.equal(server.truth.length, 0);
  const seen = [];
  const kinglet = await open({ mode: 'prefer-remote', remote: [remote('ok')], privacy: { onConsent: (request) => (seen.push(request), 'session') } });
  assert.equal((await kinglet.chat.completions.create(ask)).kinglet.source, 'remote');
  assert.equal((await kinglet.chat.completions.create(ask)).kinglet.source, 'remote');
  assert.equal(seen.length, 1, 'the second was granted with the first');
  assert.deepEqual(JSON.parse(seen[0].preview), server.truth[0].body);
  assert.deepEqual([seen[0].host, seen[0].model, seen[0].reason, seen[0].currency], [new URL(server.origin).host, 'large', 'policy_always', 'USD']);
  kinglet.consents.revoke();
  await kinglet.chat.completions.create(ask);
  assert.equal(seen.length, 2);
});

test('what is redacted does not leave, and is there again in the answer', { skip }, async () => {
  const kinglet = await open({ mode: 'prefer-remote', remote: [remote('say=Write%20to%20__EMAIL_1__%2C%20not%20__EMAIL_7__.')], privacy: { consent: 'free', redact: 'yes' } });
  server.truth.length = 0;
  const messages = [{ role: 'user', content: 'My address is ada@example.org, answer there.' }];
  const { text, last } = await read(await kinglet.chat.completions.create({ ...ask, messages, stream: true }));
  assert.doesNotMatch(JSON.stringify(server.truth[0].body), /ada@example/);
  assert.equal(text, 'Write to ada@example.org, not __EMAIL_7__.');
  assert.deepEqual(last.warnings.map(({ code }) => code), ['placeholders']);
  assert.deepEqual((await kinglet.egress.entries())[0].entities, { email: 1 });
});

test('messages say who gets them, and whether they may leave', { skip }, async () => {
  const kinglet = await open({ mode: 'prefer-remote', remote: [remote('ok')], privacy: free });
  server.truth.length = 0;
  const messages = [
    { role: 'system', content: 'Long examples for a small model. '.repeat(9), kinglet: { only: 'local' } },
    { role: 'system', content: 'Be brief.', kinglet: { only: 'remote' } },
    { role: 'user', content: 'Hello?' },
  ];
  const answer = await kinglet.chat.completions.create({ ...ask, messages });
  assert.deepEqual(server.truth[0].body.messages.map(({ content }) => content), ['Be brief.', 'Hello?']);
  const { local, sent } = kinglet.trace(answer.id).inputs.outcome.payload;
  assert.ok(local > sent && sent > 0, `${local} tokens became ${sent}`);
  const secret = [...messages, { role: 'user', content: 'My secret.', kinglet: { consent: 'never' } }];
  const kept = await kinglet.chat.completions.create({ ...ask, messages: secret });
  assert.deepEqual([kept.kinglet.source, kept.kinglet.decision.reason], ['local', 'privacy_never']);
  assert.equal(server.truth.length, 1);
  await assert.rejects(kinglet.chat.completions.create({ ...ask, messages: [{ role: 'user', content: 'x', kinglet: { consent: 'maybe' } }] }), { code: 'invalid_request', detail: { param: 'messages[0].kinglet.consent', expected: 'free, ask, never', got: 'maybe' } });
});

test('structured remote output is held against its schema', { skip }, async () => {
  const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
  const response_format = { type: 'json_schema', json_schema: { name: 'place', schema } };
  const request = { ...ask, response_format, max_tokens: 40 };
  const good = await open({ mode: 'prefer-remote', remote: [remote(`say=${encodeURIComponent('{"city": "Bern"}')}`)], privacy: free });
  assert.deepEqual(JSON.parse((await good.chat.completions.create(request)).choices[0].message.content), { city: 'Bern' });
  for (const said of ['{"city": 3}', '{"town": "Bern"}', 'Bern', '{"city": "Be']) {
    const kinglet = await open({ mode: 'prefer-remote', remote: [remote(`say=${encodeURIComponent(said)}`)], privacy: free });
    const { parts, last } = await read(await kinglet.chat.completions.create({ ...request, stream: true }));
    assert.equal(parts.find(({ type }) => type === 'error').detail.kind, 'invalid_output', said);
    assert.equal(last.source, 'local');
    assert.ok(last.cost > 0, 'it has cost all the same');
  }
});

test('a schema that no answer can be held against is refused before anything is sent', { skip }, async () => {
  const kinglet = await open({ mode: 'only-remote', remote: [remote('ok')], privacy: free });
  server.reset();
  const response_format = { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object', properties: { a: { $ref: '#/nowhere' } } } } };
  await assert.rejects(kinglet.chat.completions.create({ ...ask, response_format }), { code: 'invalid_request' });
  assert.equal(server.truth.length, 0);
});

test('only-remote: an answer from there, or an error that says why not; the model is not loaded', { skip }, async () => {
  const kinglet = await open({ mode: 'only-remote', remote: [remote('n=4')], privacy: free });
  const { text, last } = await read(await kinglet.chat.completions.create({ ...ask, stream: true }));
  assert.deepEqual([text, last.source], ['The kettle comes on ', 'remote']);
  assert.throws(() => kinglet.info, { code: 'not_loaded' });
  const broken = await open({ mode: 'only-remote', remote: [remote('status=500')], privacy: free });
  await assert.rejects(broken.chat.completions.create(ask), { code: 'remote_failed' });
  const forbidden = await open({ mode: 'only-remote', remote: [remote('ok')], privacy: { consent: 'never' } });
  await assert.rejects(forbidden.chat.completions.create(ask), (error) => error.code === 'no_answer' && error.detail.reason === 'privacy_never');
});

test('progressive: while the model is on its way another one answers, where that is allowed', { skip }, async () => {
  const kinglet = await open({ progressive: true, remote: [remote('ok')], privacy: free, escalation: { conservative: 'checks-only' } });
  const early = await kinglet.chat.completions.create(ask);
  assert.deepEqual([early.kinglet.source, early.kinglet.decision.reason], ['remote', 'local_unavailable']);
  await kinglet.load();
  const messages = [...ask.messages, early.choices[0].message, { role: 'user', content: 'And on Friday?' }];
  const late = await kinglet.chat.completions.create({ ...ask, messages, max_tokens: 200 });
  assert.equal(late.kinglet.source, 'local');
  const kept = await open({ progressive: true, remote: [remote('ok')], privacy: { consent: 'never' } });
  assert.equal((await kept.chat.completions.create(ask)).kinglet.source, 'local', 'it waits for the model');
});

test('on the user\'s word a remote model answers again, with the draft before it', { skip }, async () => {
  const kinglet = await open({ remote: [remote('ok')], privacy: free, escalation: { conservative: 'checks-only' } });
  const draft = await kinglet.chat.completions.create({ ...ask, max_tokens: 200 });
  assert.equal(draft.kinglet.source, 'local');
  server.truth.length = 0;
  const refined = await kinglet.escalate(draft.id, { draft: true });
  assert.deepEqual([refined.kinglet.source, refined.kinglet.decision.reason], ['remote', 'user_requested']);
  assert.deepEqual(server.truth[0].body.messages.map(({ role }) => role), ['user', 'assistant', 'user']);
  assert.equal(server.truth[0].body.messages[1].content, draft.choices[0].message.content);
  await assert.rejects(kinglet.escalate('chatcmpl-0'), { code: 'invalid_request' });
});

test('a batch keeps to its budget: what is over it is answered here', { skip }, async () => {
  const kinglet = await open({ mode: 'prefer-remote', remote: [remote('n=2')], privacy: free });
  const [alone] = await kinglet.batch([ask], { budget: 1_000_000 });
  const [reserve] = (await kinglet.ledger.rows()).map((row) => row.reserved);
  const budget = 3 * alone.answer.kinglet.cost + reserve;
  server.truth.length = 0;
  const results = await kinglet.batch(Array.from({ length: 8 }, () => ask), { budget, concurrency: 3 });
  assert.deepEqual(results.map(({ error }) => error), Array(8).fill(undefined));
  const sources = results.map(({ answer }) => answer.kinglet.source);
  assert.ok(sources.includes('remote') && sources.includes('local'), sources.join(' '));
  assert.ok(billed(server.truth) <= budget);
});

test('abort ends what is under way there; what was heard is booked', { skip }, async () => {
  const kinglet = await open({ mode: 'prefer-remote', remote: [remote('n=500,drip=10')], privacy: free });
  server.truth.length = 0;
  const control = new AbortController();
  const stream = await kinglet.chat.completions.create({ ...ask, stream: true, signal: control.signal });
  await assert.rejects(async () => {
    for await (const chunk of stream) if (chunk.kinglet?.parts?.some(({ type }) => type === 'delta')) control.abort();
  }, { code: 'aborted' });
  const [row] = await kinglet.ledger.rows();
  assert.deepEqual([row.tokens, row.cost], ['estimated', row.reserved]);
  while (server.truth[0].complete === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(server.truth[0].complete, false);
  assert.ok(row.cost >= billed(server.truth));
});

test('an audit asks behind the answer\'s back, and only where that was granted before', { skip }, async () => {
  const kinglet = await open({ remote: [remote('say=b')], privacy: free, escalation: { audit: 1, conservative: 'checks-only' } });
  server.truth.length = 0;
  const { label, kinglet: own } = await kinglet.classify('Where is my parcel?', ['a', 'b']);
  assert.deepEqual([own.source, own.decision.action], ['local', 'audit']);
  await kinglet.idle();
  assert.equal(server.truth.length, 1);
  assert.equal(kinglet.trace(own.id).inputs.outcome.local_ok, label === 'b');
  const quiet = await open({ remote: [remote('say=b')], privacy: { onConsent: () => assert.fail('asked in the background') }, escalation: { audit: 1, conservative: 'checks-only' } });
  await quiet.classify('Where is my parcel?', ['a', 'b']);
  await quiet.idle();
  assert.equal(server.truth.length, 1);
});

test('task calls: another model\'s label, values, answer, summary and verdict', { skip }, async () => {
  const at = (said) => open({ mode: 'prefer-remote', remote: [remote(`say=${encodeURIComponent(said)}`)], privacy: free });
  const classified = await (await at('"Shipping".')).classify('Where is my parcel?', ['billing', 'shipping']);
  assert.deepEqual([classified.label, classified.kinglet.source, classified.scores], ['shipping', 'remote', []]);
  const wrong = await (await at('weather')).classify('Where is my parcel?', ['billing', 'shipping']);
  assert.equal(wrong.kinglet.source, 'local', 'no such label');
  const extracted = await (await at('{"city": "Bern"}')).extract('I live in Bern.', ['city']);
  assert.deepEqual([extracted.value, extracted.found, extracted.kinglet.source], [{ city: 'Bern' }, { city: true }, 'remote']);
  const answered = await (await at('On Tuesday.')).answer('When?', ['It comes on Tuesday.']);
  assert.deepEqual([answered.answer, answered.kinglet.source], ['On Tuesday.', 'remote']);
  assert.equal((await (await at('Short.')).summarise('A long text.')).summary, 'Short.');
  assert.equal((await (await at('Hold')).filter('Buy now!!!')).verdict, 'hold');
  server.truth.length = 0;
  const never = await (await at('On Tuesday.')).answer('When?', [{ text: 'It comes on Tuesday.', consent: 'never' }]);
  assert.deepEqual([never.kinglet.source, server.truth.length], ['local', 0]);
});

test('of a long document only what the question needs is sent; the trace says how much was left out', { skip }, async () => {
  const kinglet = await open({ context: 256, remote: [remote('say=On%20Tuesday.')], privacy: free, escalation: { longDocuments: { words: 240 } } });
  const filler = (i) => `Paragraph ${i} is about the weather in the harbour, the boats and the nets that dry there all day long. `.repeat(6);
  const text = Array.from({ length: 12 }, (_, i) => (i === 7 ? `${filler(i)} The kettle is delivered on Tuesday by the old postman. ` : filler(i))).join('\n\n');
  server.reset();
  const messages = [
    { role: 'user', content: text, kinglet: { document: true } },
    { role: 'user', content: 'When is the kettle delivered?' },
  ];
  const answer = await kinglet.chat.completions.create({ ...ask, messages });
  assert.deepEqual([answer.kinglet.source, answer.kinglet.decision.reason], ['remote', 'context_overflow']);
  const [document, question] = server.truth[0].body.messages;
  assert.match(document.content, /delivered on Tuesday/);
  assert.ok(document.content.split(/\s+/).length <= 260, `${document.content.split(/\s+/).length} words`);
  assert.equal(question.content, 'When is the kettle delivered?');
  const { local, sent } = kinglet.trace(answer.id).inputs.outcome.payload;
  assert.ok(sent < local / 2, `${sent} of ${local} tokens`);
  const asked = await kinglet.answer('When is the kettle delivered?', [text]);
  assert.deepEqual([asked.answer, asked.kinglet.source], ['On Tuesday.', 'remote']);
  assert.ok(JSON.stringify(server.truth[1].body).length < text.length / 2);
  const whole = await open({ context: 256, remote: [remote('ok')], privacy: free });
  await whole.chat.completions.create({ ...ask, messages });
  assert.equal(server.truth[2].body.messages[0].content, text, 'without the option all of it');
});

test('without a connection the answer is from here, and the better one comes later, decided on anew', { skip }, async () => {
  const notices = [];
  const options = { offline: { store: 'memory' }, privacy: { consent: 'free', redact: 'no' }, onNotice: (notice) => notices.push(notice) };
  server.reset();
  // It is not sent again before it was listed, however long that takes.
  let asked = 0;
  let listed;
  const seen = new Promise((resolve) => (listed = resolve));
  const getToken = async () => ((asked += 1) > 1 && (await seen), 'token-abcdefgh');
  const kinglet = await open({ mode: 'prefer-remote', remote: [remote('close;say=To%20__EMAIL_1__.', { breaker: { failures: 9 }, getToken })], ...options });
  const messages = [{ role: 'user', content: 'Write to ada@example.org' }];
  const first = await kinglet.chat.completions.create({ ...ask, messages });
  assert.deepEqual([first.kinglet.source, first.kinglet.warnings.map(({ code }) => code).sort()], ['local', ['queued', 'usage_missing']]);
  const [waiting] = await kinglet.queue.list();
  assert.equal(waiting.id, first.id);
  assert.doesNotMatch(JSON.stringify(waiting.payload), /ada@/, 'redacted, whatever the label says');
  listed();
  while (!notices.some(({ code }) => code === 'upgraded')) await new Promise((resolve) => setTimeout(resolve, 50));
  const { detail } = notices.find(({ code }) => code === 'upgraded');
  assert.deepEqual([detail.id, detail.content, detail.provenance.remote], [first.id, 'To ada@example.org.', 'strong']);
  assert.deepEqual(await kinglet.queue.list(), []);
  assert.ok(detail.cost > 0);
});

/** Until a notice has come. */
async function noticed(notices, ...codes) {
  for (const end = Date.now() + 20_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 20))) {
    const found = notices.find(({ code }) => codes.includes(code));
    if (found !== undefined) return found.detail;
  }
  return assert.fail(`no notice: ${codes.join(', ')}`);
}

test('what has waited is held against what was asked for; what is of no use is dropped, and said', { skip }, async () => {
  const schema = { type: 'object', properties: { to: { enum: ['ada@example.org'] } }, required: ['to'] };
  const request = { ...ask, messages: [{ role: 'user', content: 'Write to ada@example.org' }], response_format: { type: 'json_schema', json_schema: { name: 'x', schema } }, max_tokens: 40 };
  const later = async (order, more = request) => {
    const notices = [];
    const onNotice = (notice) => {
      notices.push(notice);
      throw new Error('the app is broken');
    };
    const kinglet = await open({ mode: 'prefer-remote', remote: [remote(`close;${order}`, { breaker: { failures: 9 } })], offline: { store: 'memory' }, privacy: free, onNotice });
    const { id, kinglet: own } = await kinglet.chat.completions.create(more);
    assert.ok(own.warnings.some(({ code }) => code === 'queued'), order);
    const detail = await noticed(notices, 'upgraded', 'queue_dropped');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual([detail.id, await kinglet.queue.list()], [id, []], `${order}: whatever the app does with a notice`);
    return detail;
  };
  const say = (text) => `say=${encodeURIComponent(text)}`;
  const good = await later(say('{"to": "__EMAIL_1__"}'));
  assert.deepEqual([JSON.parse(good.content), good.finish_reason, good.usage.completion_tokens > 0, 'tool_calls' in good], [{ to: 'ada@example.org' }, 'stop', true, false]);
  assert.equal((await later(say('{"to": "bob"}'))).reason, 'invalid_output');
  assert.equal((await later('filter', ask)).reason, 'content_filter');
});

test('who waits: each request that the network has kept here, and none that could not be sent with one', { skip }, async () => {
  const dead = { baseURL: 'http://127.0.0.1:1/v1' };
  const offline = { store: 'memory' };
  const kinglet = await open({ mode: 'prefer-remote', remote: [remote('ok', dead)], offline, privacy: free });
  for (let i = 0; i < 5; i++) {
    const facts = { task: 'mail to ada@example.org', group: 'of bob@example.org' };
    const { kinglet: own } = await kinglet.chat.completions.create({ ...ask, kinglet: { facts } });
    assert.ok(own.warnings.some(({ code }) => code === 'queued'), `${i}: ${own.decision.reason}`);
  }
  const list = await kinglet.queue.list();
  assert.equal(list.length, 5, 'also those that came while it rested');
  assert.doesNotMatch(JSON.stringify(list), /example\.org/);
  const broken = await open({ mode: 'prefer-remote', remote: [remote('html', { breaker: { failures: 1 } })], offline, privacy: free });
  for (let i = 0; i < 2; i++) await broken.chat.completions.create(ask);
  assert.equal((await broken.queue.list()).length, 0, 'it rests, and not for the network');
  const mute = await open({ mode: 'prefer-remote', remote: [remote('ok', dead)], offline });
  const { kinglet: alone } = await mute.chat.completions.create(ask);
  assert.deepEqual([alone.decision.reason, await mute.queue.list()], ['consent_denied', []]);
});

test('a request that waits is dropped when the user says no, and that is said', { skip }, async () => {
  const notices = [];
  const answers = ['once', 'no'];
  const options = { offline: { store: 'memory' }, privacy: { onConsent: () => answers.shift() }, onNotice: (notice) => notices.push(notice) };
  server.truth.length = 0;
  const kinglet = await open({ mode: 'prefer-remote', remote: [remote('close;ok', { breaker: { failures: 9 } })], ...options });
  const { id } = await kinglet.chat.completions.create(ask);
  const detail = await noticed(notices, 'queue_dropped');
  assert.deepEqual([detail.id, detail.reason, server.truth.length], [id, 'consent_denied', 1]);
});

test('the user is told what it can cost at most: every attempt as it is reserved', { skip }, async () => {
  const seen = [];
  const kinglet = await open({ mode: 'prefer-remote', remote: [remote('ok', { retries: 2 })], privacy: { onConsent: (request) => (seen.push(request), 'once') } });
  await kinglet.chat.completions.create(ask);
  const [row] = await kinglet.ledger.rows();
  assert.ok(row.reserved > 0);
  assert.equal(seen[0].cost, 3 * row.reserved);
});

test('a collector is told whose answer it was, what it saved, and of no text that may not leave', { skip }, async () => {
  const spans = [];
  const collector = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      if (request.url.endsWith('traces')) spans.push(...JSON.parse(body).resourceSpans[0].scopeSpans[0].spans);
      response.end('{}');
    });
  });
  await new Promise((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const telemetry = { endpoint: `http://127.0.0.1:${collector.address().port}`, content: true };
  const facts = ({ attributes }) => Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]));
  /** Spans of `count` answers: a batch that is due before all of them were given holds the first alone. */
  const watched = async (options, work, count = 1) => {
    spans.length = 0;
    const kinglet = await open({ telemetry, privacy: free, ...options });
    await work(kinglet);
    kinglet.dispose();
    while (spans.length < count) await new Promise((resolve) => setTimeout(resolve, 20));
    return spans.map((span) => ({ kind: span.kind, ...facts(span) }));
  };
  const labelled = (label) => ({ ...ask, messages: [{ role: 'user', content: 'I am ada@example.org', kinglet: label }] });
  const told = await watched({ mode: 'only-local' }, async (kinglet) => {
    for (const label of [{ consent: 'never' }, { consent: 'ask' }, { redact: 'yes' }, {}]) await kinglet.chat.completions.create(labelled(label));
  }, 4);
  assert.deepEqual(told.map((span) => /ada@|EMAIL/.exec(span['gen_ai.input.messages'] ?? '')?.[0]), [undefined, undefined, 'EMAIL', 'ada@']);
  const [far] = await watched({ mode: 'prefer-remote', remote: [remote('model=large-2,cached=4')] }, (kinglet) => kinglet.chat.completions.create(ask));
  assert.deepEqual([far.kind, far['gen_ai.request.model'], far['gen_ai.response.model'], far['kinglet.saved'], far['kinglet.currency'], far['gen_ai.usage.cache_read.input_tokens']], [3, 'large', 'large-2', 0, 'USD', 4]);
  assert.doesNotMatch(far['gen_ai.response.id'], /^chatcmpl-kinglet/);
  const [failed] = await watched({ mode: 'prefer-remote', remote: [remote('html')] }, (kinglet) => kinglet.chat.completions.create(ask));
  assert.deepEqual([failed.kind, failed['kinglet.remote.name'], failed['kinglet.source'], failed['kinglet.escalation']], [3, 'strong', 'local', 'failed']);
  const left = await watched({ mode: 'only-local' }, async (kinglet) => {
    for await (const _ of await kinglet.chat.completions.create({ ...ask, stream: true })) break;
  });
  assert.deepEqual(left.map((span) => span['error.type']), ['aborted']);
  await new Promise((resolve) => collector.close(resolve).closeAllConnections());
});

test('a rollout that observes asks the remote model, without the app\'s help and by the same rules', { skip }, async () => {
  const kinglet = await open({ remote: [remote('say=b')], privacy: free, escalation: { conservative: 'checks-only' }, feedback: { store: 'memory', observe: { share: 1 } } });
  server.reset();
  const { label, kinglet: own } = await kinglet.classify('Where is my parcel?', ['a', 'b']);
  assert.equal(own.source, 'local');
  const collected = await kinglet.collected();
  while ((await collected.rows()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const [row] = await collected.rows();
  assert.deepEqual([row.id, row.local_ok, row.label_source, row.selected], [own.id, label === 'b', 'remote_agreement', 'all']);
  const spent = (await kinglet.ledger.rows()).filter(({ source }) => source === 'remote');
  assert.deepEqual([spent.length, spent[0].cost, spent[0].reason], [1, billed(server.truth), 'observe']);
  const never = await open({ remote: [remote('say=b')], privacy: { consent: 'ask', onConsent: () => assert.fail('asked in the background') }, feedback: { store: 'memory', observe: { share: 1 } }, escalation: { conservative: 'checks-only' } });
  await never.classify('Where is my parcel?', ['a', 'b']);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(server.truth.length, 1);
});

test('the cap of a session holds for requests that leave at once', { skip }, async () => {
  const kinglet = await open({ mode: 'prefer-remote', remote: [remote('n=2,drip=20')], privacy: free, escalation: { maxRate: 0.2 } });
  server.reset();
  const answers = await Promise.all(Array.from({ length: 10 }, () => kinglet.chat.completions.create(ask)));
  const sources = answers.map(({ kinglet: own }) => own.source);
  assert.equal(server.truth.length, 4, 'a fifth of twenty');
  assert.equal(sources.filter((source) => source === 'remote').length, 4);
  assert.ok(answers.filter(({ kinglet: own }) => own.source === 'local').every(({ kinglet: own }) => own.decision.reason === 'max_rate'));
});

test('an answer that was ended early is made whole where nobody else answers, or may', { skip }, async () => {
  const whole = (await (await open({ mode: 'only-local' })).chat.completions.create({ ...ask, max_tokens: 40 })).choices[0].message.content;
  const early = { abort: { windowBelow: 0, grace: 2 }, conservative: 'checks-only' };
  const cases = [
    [{ remote: [remote('ok')], budget: { perRequest: 350, store: 'memory' } }, {}],
    [{ remote: [remote('status=500')] }, {}],
    [{ remote: [remote('status=500')] }, { kinglet: { abort: { window_below: 0, grace: 2 } } }],
  ];
  for (const [options, more] of cases) {
    const kinglet = await open({ privacy: free, escalation: early, ...options });
    const { choices, kinglet: own } = await kinglet.chat.completions.create({ ...ask, max_tokens: 40, ...more });
    assert.deepEqual([choices[0].message.content, own.source, own.aborted], [whole, 'local', undefined]);
  }
});

test('whole answers of only-remote fail over; a stream that nobody reads on is settled and audited', { skip }, async () => {
  const second = remote('ok', { name: 'second' });
  const kinglet = await open({ mode: 'only-remote', remote: [remote('cut=2'), second], privacy: free });
  assert.equal((await kinglet.chat.completions.create(ask)).kinglet.provenance.remote, 'second');
  const audited = await open({ remote: [remote('ok')], privacy: free, escalation: { audit: 1, conservative: 'checks-only' } });
  server.reset();
  for await (const chunk of await audited.chat.completions.create({ ...ask, max_tokens: 200, stream: true })) {
    if (chunk.choices[0]?.finish_reason) {
      assert.equal(audited.trace(chunk.id).decision.action, 'audit');
      break;
    }
  }
  await audited.idle();
  assert.equal(server.truth.length, 1);
});

test('an audit whose answer is none says nothing of the local one', { skip }, async () => {
  const kinglet = await open({ remote: [remote('say=weather')], privacy: free, escalation: { audit: 1, conservative: 'checks-only' } });
  const { kinglet: own } = await kinglet.classify('Where is my parcel?', ['a', 'b']);
  await kinglet.idle();
  assert.deepEqual(kinglet.trace(own.id).inputs.outcome.local_ok, undefined);
});

test('dispose ends what runs elsewhere, and nothing is asked after it', { skip }, async () => {
  const kinglet = await open({ mode: 'only-remote', remote: [remote('n=400,drip=10')], privacy: free });
  server.reset();
  const running = kinglet.chat.completions.create(ask);
  while (server.truth.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  kinglet.dispose();
  await assert.rejects(running, { code: 'not_loaded' });
  await assert.rejects(kinglet.chat.completions.create(ask), { code: 'not_loaded' });
  assert.equal(server.truth.length, 1);
  assert.equal(server.truth[0].complete, false);
});

test('where the device cannot answer and nothing may leave, the error is the engine\'s', { skip }, async () => {
  const kinglet = await open({ context: 64, remote: [remote('ok')], privacy: { consent: 'never' } });
  await assert.rejects(kinglet.chat.completions.create({ ...ask, messages: [{ role: 'user', content: 'again and '.repeat(200) }] }), { code: 'context_overflow' });
});

test('a conversation spans both sides: the remote answer is part of it, and what the device has read of it stays read', { skip }, async () => {
  const kinglet = await open({ remote: [remote('ok')], privacy: free, escalation: { conservative: 'checks-only' } });
  const first = await kinglet.chat.completions.create({ ...ask, max_tokens: 3 });
  assert.deepEqual([first.kinglet.source, first.kinglet.decision.reason], ['remote', 'truncated']);
  const messages = [...ask.messages, first.choices[0].message, { role: 'user', content: 'And on Friday?' }];
  const second = await kinglet.chat.completions.create({ ...ask, messages, max_tokens: 200 });
  assert.equal(second.kinglet.source, 'local');
  assert.ok(second.kinglet.timings.reused_tokens > 5, `${second.kinglet.timings.reused_tokens} tokens were still there`);
});
