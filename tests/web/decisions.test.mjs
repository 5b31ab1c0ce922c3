// Answers of kinglet's own engine that are decided on, in Node: the decision stands on the answer and is explained by its id.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { notBuilt } from './support/browser.mjs';

const DESK = fileURLToPath(new URL('../../models/desk/desk-nano.gguf', import.meta.url));
const skip = notBuilt() ?? false;
const profile = JSON.parse(readFileSync(new URL('../cases/route/profile.json', import.meta.url), 'utf8'));
const price = { inputPerMillion: 2_500_000, outputPerMillion: 10_000_000, currency: 'USD', asOf: '2026-11-22' };
const ask = { messages: [{ role: 'user', content: 'Hello!' }], max_tokens: 3, temperature: 0 };

const opened = [];
after(() => opened.forEach((kinglet) => kinglet.dispose()));
async function open(options) {
  const { nodeKinglet } = await import('./support/node-engine.mjs');
  const { kinglet } = await nodeKinglet(DESK, options);
  opened.push(kinglet);
  return kinglet;
}

test('an answer carries its decision, whole and streamed, and is explained by its id', { skip }, async () => {
  const kinglet = await open({ remote: [{ name: 'strong', price }], escalation: { conservative: 'checks-only' } });
  const whole = await kinglet.chat.completions.create(ask);
  const { decision, signals } = whole.kinglet;
  assert.equal(decision.id, whole.id);
  assert.equal(signals.origin, 'measured');
  const expected = signals.truncated ? ['remote', 'truncated'] : ['local', 'no_objection'];
  assert.deepEqual([decision.action, decision.reason], expected);
  assert.equal(decision.calibrated, false);
  const trace = kinglet.trace(whole.id);
  assert.equal(trace.inputs.facts.prompt_tokens, whole.usage.prompt_tokens);
  assert.equal(trace.inputs.facts.max_tokens, 3);
  assert.match(kinglet.explain(whole.id), /^The .*\.$/);

  const decisions = [];
  let id;
  for await (const chunk of await kinglet.chat.completions.create({ ...ask, n: 2, stream: true })) {
    id = chunk.id;
    if (chunk.kinglet?.decision) decisions.push(chunk.kinglet.decision);
  }
  assert.equal(decisions.length, 1, 'one request, one decision');
  assert.equal(decisions[0].id, id);
  assert.equal(kinglet.trace(id).inputs.answer.signals.samples, 2);
  assert.equal(kinglet.trace(id).inputs.session.requests, 1);
});

test('what the caller knows of a request counts, and no remote model is no egress', { skip }, async () => {
  const kinglet = await open({ mode: 'prefer-remote', remote: [{ name: 'strong', price }] });
  const decided = async (facts) => (await kinglet.chat.completions.create({ ...ask, kinglet: { facts } })).kinglet.decision;
  const sent = await decided({ payload: [{ consent: 'free' }] });
  assert.deepEqual([sent.action, sent.reason, sent.egress.needs_consent], ['remote', 'policy_always', false]);
  const kept = await decided({ payload: [{ consent: 'free' }, { consent: 'never' }] });
  assert.deepEqual([kept.action, kept.reason, kept.asked], ['local', 'privacy_never', 'policy_always']);
  assert.equal((await decided({ online: false })).reason, 'offline');
  await assert.rejects(decided({ mood: 1 }), ({ code, detail }) => code === 'invalid_request' && detail.param === 'facts.mood');
  await assert.rejects(decided('x'), ({ code, detail }) => code === 'invalid_request' && detail.param === 'kinglet.facts');
});

test('what users say becomes rows for a calibration', { skip }, async () => {
  const kinglet = await open({ escalation: {} });
  const { id } = await kinglet.chat.completions.create({ ...ask, kinglet: { facts: { task: 'greet' } } });
  assert.deepEqual(await kinglet.feedback(id, { ok: false }), { task: 'greet', labelled: 1, enough: 300, wrong: 1 });
  assert.deepEqual(await kinglet.feedback(id, { ok: true, remoteOk: false }), { task: 'greet', labelled: 1, enough: 300, wrong: 0 });
  const [row] = kinglet.labelled();
  assert.deepEqual([row.id, row.task, row.local_ok, row.remote_ok, row.label_source], [id, 'greet', true, false, 'human']);
  assert.equal(row.signals.origin, 'measured');
  const refused = (work, param) => assert.rejects(work, ({ code, detail }) => code === 'invalid_request' && detail.param === param);
  await refused(() => kinglet.feedback(id, { ok: 1 }), 'feedback.ok');
  await refused(() => kinglet.feedback(id, { ok: true, why: 'x' }), 'feedback.why');
  await refused(() => kinglet.feedback('other', { ok: true }), 'id');
  const constants = readFileSync(new URL('../../route/src/day0.rs', import.meta.url), 'utf8');
  assert.match(constants, /pub const ENOUGH: usize = 300;[^]*pub const MOST: usize = 2000;/);
});

test('a calibration for something else is refused with a notice', { skip }, async () => {
  const notices = [];
  const kinglet = await open({ profiles: [profile], onNotice: (notice) => notices.push(notice) });
  assert.deepEqual(notices.map(({ code, detail }) => [code, detail.field]), [['profile_mismatch', 'model_hash']]);
  const { decision } = (await kinglet.chat.completions.create({ ...ask, kinglet: { facts: { task: profile.task } } })).kinglet;
  assert.equal(decision.calibrated, false);
  assert.ok(decision.notes.includes('profile_mismatch'));
});

test('wrong options are refused before anything is loaded; without them nothing is decided', { skip }, async () => {
  for (const [options, param] of [
    [{ mode: 'observe' }, 'policy.mode'],
    [{ escalation: { target: { risk: Infinity } } }, 'policy.escalation.target.risk'],
  ]) {
    await assert.rejects(open(options), ({ code, detail }) => code === 'invalid_request' && detail.param === param);
  }
  const kinglet = await open({});
  const answer = await kinglet.chat.completions.create(ask);
  assert.equal(answer.kinglet.decision, undefined);
  assert.throws(() => kinglet.explain(answer.id), { code: 'invalid_request' });
  await assert.rejects(kinglet.chat.completions.create({ ...ask, kinglet: { facts: {} } }), { code: 'invalid_request' });
});
