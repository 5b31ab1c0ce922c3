// Records a day for tools/economics.mjs: the package in Node asks a small model of this repository, and another one where its own
// answer is not enough. Every question is one line, with what each side says of it: the answer, the trace, the ledger, the
// egress log, the remote server's counters and the relay's log.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startOracle } from './economics_oracle.mjs';
import { nodeKinglet } from '../tests/web/support/node-engine.mjs';
import { noRealServer, noRelay, PRICE as RELAY_PRICE, realRelay, realServer } from '../tests/web/support/real-llm.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** A day of UTC; its clock is set from question to question, so that the budget's windows are those of a day. */
const MIDNIGHT = Date.UTC(2026, 10, 2);
/** Of the remote model; the relay's are the same. */
const PRICE = { ...RELAY_PRICE, currency: 'USD', asOf: '2026-11-22' };
const MOST_TOKENS = 64;
/** Micro-units a day for each question of it: so that the budget ends before the day does. */
const BUDGET_EACH = 150;
const AUDIT = 0.02;

/** A text as it is compared (cli/src/eval/grade.rs). */
const normal = (text) => text.trim().replaceAll(/\s+/g, ' ').toLowerCase().replaceAll('’', "'").replace(/\.$/, '').trimEnd();
const object = (text) => {
  try {
    const value = JSON.parse(text);
    return JSON.stringify(Object.entries(value).sort());
  } catch {
    return undefined;
  }
};

/** Whether an answer is right, as `kinglet eval` judges. */
export function right({ task, answer, accept, labels }, text) {
  const all = [answer, ...accept];
  if (labels.length > 0) return all.includes(text);
  if (task === 'extract') return object(text) !== undefined && all.some((one) => object(one) === object(text));
  return all.some((one) => normal(one) === normal(text));
}

/** The questions, from tools/economics_traffic.py. */
export function traffic({ data, queries, seed }) {
  const script = [join(root, 'tools/economics_traffic.py'), '--queries', String(queries), '--seed', String(seed)];
  const env = { ...process.env, KINGLET_SHARED: data };
  const said = execFileSync(process.env.KINGLET_PYTHON ?? 'python3', ['-B', ...script], { env, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'inherit'] });
  return said.trim().split('\n').map((line) => JSON.parse(line));
}

/** Who answers elsewhere: a real server behind the relay, or the oracle. */
async function elsewhere({ part, accuracy, outputTokens, seed }, questions) {
  if (part === 'simulated') {
    const oracle = await startOracle(questions, { accuracy, outputTokens, seed });
    return { endpoint: { baseURL: `${oracle.url}/v1`, model: 'oracle' }, server: oracle, relay: undefined, close: () => oracle.close() };
  }
  const missing = noRealServer() ?? noRelay();
  if (missing !== undefined) throw new Error(missing);
  const server = await realServer('desk');
  const opened = [server];
  const close = async () => {
    for (const one of opened.reverse()) await one.close();
  };
  try {
    const relay = await realRelay({ real: { base: `${server.url}/v1` } });
    opened.push(relay);
    const token = await relay.token('economics', 86_400);
    return { endpoint: { baseURL: `${relay.url}/v1`, model: 'real', getToken: () => token }, server, relay, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Records a day; the path of its file. */
export async function day(options) {
  const { part, queries, seed, accuracy, outputTokens, rule = 'quarter' } = options;
  const questions = traffic(options);
  const remote = await elsewhere(options, questions);
  const local = part === 'simulated' ? 'desk' : 'desk-nano';
  const perDay = BUDGET_EACH * queries;
  const real = Date.now;
  const clock = { at: MIDNIGHT, since: real() };
  const began = performance.now();
  let client;
  try {
    Date.now = () => clock.at + real() - clock.since;
    client = await nodeKinglet(join(root, `models/desk/${local}.gguf`), {
      remote: [{ name: 'elsewhere', price: PRICE, retries: 0, ...remote.endpoint }],
      privacy: { consent: 'free' },
      tasks: { filter: { escalate: 'never' } },
      escalation: { audit: AUDIT, conservative: rule },
      budget: { store: 'memory', perDay, most: 4 * queries },
    });
    const { kinglet } = client;
    const lines = await asked({ kinglet, remote, questions, set: (at) => Object.assign(clock, { at: MIDNIGHT + at, since: real() }) });
    const [rows, summary] = [await kinglet.ledger.rows(), await kinglet.ledger.summary()];
    const stated = part === 'simulated' ? { accuracy, outputTokens } : {};
    const machine = `${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}`;
    const seconds = Math.round((performance.now() - began) / 1000);
    const meta = { part, local, seed, rule, perDay, price: PRICE, ...stated, server: remote.server.version, relay: remote.relay !== undefined, machine, seconds, summary };
    const of = (id) => rows.filter((row) => row.id === id);
    const all = [meta, ...lines.map((line) => ({ ...line, ledger: of(line.trace.inputs.id) }))];
    const out = options.out ?? join(mkdtempSync(join(tmpdir(), 'kinglet-day-')), 'day.jsonl');
    writeFileSync(out, all.map((line) => `${JSON.stringify(line)}\n`).join(''));
    return out;
  } finally {
    Date.now = real;
    await client?.close();
    await remote.close();
  }
}

/** Asks one question after the other; what is known of each. */
async function asked({ kinglet, remote: { server, relay }, questions, set }) {
  const lines = [];
  let before = await server.counted();
  let sent = 0;
  for (const question of questions) {
    set(question.at);
    const { task, never } = question;
    const messages = never ? question.messages.map((message) => ({ ...message, kinglet: { consent: 'never' } })) : question.messages;
    const answer = await kinglet.chat.completions.create({ messages, max_tokens: MOST_TOKENS, temperature: 0, kinglet: { facts: { task } } });
    await kinglet.idle();
    const trace = kinglet.trace(answer.id);
    const now = await server.counted();
    const tokens = { prompt: now.prompt - before.prompt, predicted: now.predicted - before.predicted };
    before = now;
    const { remote: attempts } = await kinglet.ledger.totals();
    const noted = attempts > sent && relay !== undefined ? await relay.request(attempts) : undefined;
    const egress = attempts > sent ? (await kinglet.egress.entries()).filter(({ id }) => id === answer.id) : [];
    sent = attempts;
    const { source, decision, cost = 0 } = answer.kinglet;
    lines.push({
      at: question.at, id: question.id, set: question.set, task, never, source, action: decision.action, reason: decision.reason, cost,
      right: right(question, (answer.choices[0].message.content ?? '').trim()), usage: answer.usage, server: tokens, egress,
      ...(noted === undefined ? {} : { relay: { cost: noted.cost, reported: noted.reported, end: noted.end } }), trace,
    });
  }
  return lines;
}
