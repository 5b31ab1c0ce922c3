// Judges a day that tools/economics_day.mjs recorded: whether all accounts of it agree, to the micro-unit and for every question;
// and says what it was.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRouter } from '../pkg/dist/route/index.js';
import { nativeTool } from './economics_quality.mjs';

const TITLES = {
  plumbing: 'toy models: shows that the accounting is right, not what you will save',
  simulated: 'simulated: a scripted oracle answers in the remote model\'s place',
};
/** Disagreements that are named; the others are counted. */
const NAMED = 10;

/** Micro-units of so many tokens, by whole numbers: divided once, rounded up. */
const priced = ({ inputPerMillion, outputPerMillion, cachedPerMillion }, { fresh, cached = 0, output }) => {
  const exact = BigInt(fresh) * BigInt(inputPerMillion) + BigInt(cached) * BigInt(cachedPerMillion) + BigInt(output) * BigInt(outputPerMillion);
  return Number((exact + 999_999n) / 1_000_000n);
};
/** Tokens by the server's counters, which leave out what it had in its cache: that it tells, and nobody else. */
const served = ({ server, ledger }) => ({ fresh: server.prompt, cached: sum(ledger, ({ cached_tokens = 0 }) => cached_tokens), output: server.predicted });
const sum = (list, get) => list.reduce((all, one) => all + get(one), 0);

/** A recorded day: {meta, lines}. */
export function read(file) {
  const [meta, ...lines] = readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  return { meta, lines };
}

/** It was to be checked elsewhere, and the budget had nothing left for that: decided anew after the answer was given. */
const refused = ({ action, trace }) => action === 'audit' && trace.decision.action === 'local';

/** What does not agree of one question, as sentences. */
function disagreements({ meta, line }) {
  const found = [];
  const same = (what, a, b) => a === b || found.push(`${line.id}: ${what}: ${a} and ${b}`);
  const remote = line.ledger.filter(({ source }) => source === 'remote');
  const local = line.ledger.filter(({ source }) => source === 'local');
  const { cached } = served(line);
  const booked = sum(remote, ({ cost }) => cost);
  same('rows of the ledger', line.ledger.length, line.action === 'audit' && !refused(line) ? 2 : 1);
  same('prompt tokens of ledger and server', sum(remote, ({ input_tokens }) => input_tokens) - cached, line.server.prompt);
  same('answer tokens of ledger and server', sum(remote, ({ output_tokens }) => output_tokens), line.server.predicted);
  same('money of ledger and server', booked, priced(meta.price, served(line)));
  if (meta.relay) {
    same('money of ledger and relay', booked, line.relay?.cost ?? 0);
    same('requests of ledger and relay', remote.length, line.relay === undefined ? 0 : 1);
  }
  same('money of ledger and answer', line.action === 'audit' ? 0 : booked, line.cost);
  same('attempts of ledger and egress log', remote.length, line.egress.length);
  same('attempts that cost more than was reserved', remote.filter(({ cost, reserved }) => cost > reserved).length, 0);
  same('money of local answers', sum(local, ({ cost }) => cost), 0);
  if (line.source === 'remote') {
    same('tokens of answer and server', line.usage.prompt_tokens + line.usage.completion_tokens, line.server.prompt + cached + line.server.predicted);
    same('tokens of trace and answer', JSON.stringify(line.trace.inputs.outcome.usage), JSON.stringify({ input: line.usage.prompt_tokens, output: line.usage.completion_tokens }));
  }
  same('reasons of answer and trace', refused(line) ? 'rate_limited' : line.reason, line.trace.decision.reason);
  if (line.never || line.task === 'filter') same('what may not leave', remote.length + line.egress.length + line.server.predicted, 0);
  return found;
}

/** The ledger's summary, computed again from what the other accounts say. */
function recomputed({ meta, lines }) {
  const left = lines.filter(({ server }) => server.predicted > 0);
  const here = lines.filter(({ server }) => server.predicted === 0);
  const measured = sum(left, (line) => priced(meta.price, served(line)));
  const estimated = sum(here, ({ usage }) => priced(meta.price, { fresh: usage.prompt_tokens, output: usage.completion_tokens }));
  return {
    requests: lines.length, local: here.length, remote: left.length,
    spent: { reported: measured, estimated: 0 }, counterfactual: { measured, estimated },
    saving: 1 - measured / (measured + estimated), local_rate: here.length / lines.length,
  };
}

/** Where the summary differs from what it should be. */
function summed(day) {
  const want = recomputed(day);
  const { requests, local, remote, spent, counterfactual, saving, local_rate } = day.meta.summary;
  const got = { requests, local, remote, spent, counterfactual, saving: saving?.value, local_rate: local_rate?.value };
  const near = (a, b) => (typeof b === 'number' ? a === undefined || Math.abs(a - b) < 1e-12 : JSON.stringify(a) === JSON.stringify(b));
  return Object.keys(want).filter((key) => !near(got[key], want[key])).map((key) => `summary.${key}: ${JSON.stringify(got[key])} and ${JSON.stringify(want[key])}`);
}

/** What the package's module says of a decision that is computed again; undefined: it is the same. */
function differs(router, { id, trace }) {
  try {
    return router.replay(trace).identical ? undefined : `${id}: the decision is another one when it is computed again`;
  } catch (error) {
    return `${id}: the decision cannot be computed again: ${error.message}`;
  }
}

/** Computes all decisions again, by the package's module and by the native tool, where it is there. */
async function replayed(lines) {
  const router = await createRouter({});
  const found = lines.map((line) => differs(router, line)).filter((one) => one !== undefined);
  const identical = lines.length - found.length;
  const tool = nativeTool();
  if (tool === undefined) return { found, identical, by: 'Wasm; the native tool is not built' };
  const folder = mkdtempSync(join(tmpdir(), 'kinglet-traces-'));
  try {
    const file = join(folder, 'traces.jsonl');
    writeFileSync(file, lines.map(({ trace }) => `${JSON.stringify(trace)}\n`).join(''));
    const { status, stderr } = spawnSync(tool, ['route', 'replay', file], { encoding: 'utf8', maxBuffer: 1 << 28 });
    if (status !== 0) found.push(`kinglet route replay ended with ${status}: ${stderr}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return { found, identical, by: 'Wasm and native' };
}

/** A share in percent with its Wilson interval, 95 %. */
export function wilson(k, n) {
  if (n === 0) return 'none';
  const z = 1.959963984540054;
  const middle = (k / n + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z * Math.sqrt(((k / n) * (1 - k / n)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n);
  const percent = (share) => (100 * share).toFixed(1);
  return `${percent(k / n)} % [${percent(middle - half)}, ${percent(middle + half)}], n = ${n}`;
}

const counted = (lines, get) => {
  const counts = new Map();
  for (const line of lines) counts.set(get(line), (counts.get(get(line)) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([name, n]) => `${name} ${n}`).join(', ');
};
const estimate = (one) => (one === null ? 'too few questions' : `${(100 * one.value).toFixed(1)} % [${(100 * one.low).toFixed(1)}, ${(100 * one.high).toFixed(1)}], n = ${one.n}`);

/** What a day was, as Markdown, and what does not agree. */
export async function judge(file) {
  const day = read(file);
  const { meta, lines } = day;
  const { summary } = meta;
  const again = await replayed(lines);
  const problems = [...lines.flatMap((line) => disagreements({ meta, line })), ...summed(day), ...again.found];
  if (summary.spent.reported + summary.spent.estimated > meta.perDay) problems.push(`more was spent than the day's ${meta.perDay}`);
  const rights = (of) => wilson(of.filter((line) => line.right).length, of.length);
  const by = (source, set) => lines.filter((line) => line.source === source && (set === undefined || line.set === set));
  const simulated = () => `an oracle, right in ${100 * meta.accuracy} %, ${meta.outputTokens} tokens an answer, 4 characters a token of the prompt`;
  const remote = meta.part === 'simulated' ? simulated() : `\`desk\` in llama.cpp (xllamacpp ${meta.server}), through the relay`;
  const accounts = meta.relay ? 'ledger, server and relay' : 'ledger and server';
  const text = [
    `**${TITLES[meta.part]}**`,
    '',
    '| | |',
    '|---|---|',
    `| questions | ${lines.length} (${counted(lines, ({ set }) => set)}), seed ${meta.seed}: ${counted(lines, ({ task }) => task)} |`,
    `| here, there | \`${meta.local}\` in Wasm on the processor; ${remote} |`,
    `| rule, reasons | \`${meta.rule}\`: ${counted(lines, ({ reason }) => reason)} |`,
    `| left the device | ${summary.remote}, ${lines.filter((line) => line.action === 'audit' && !refused(line)).length} of them to check what was kept |`,
    `| tokens there | ${sum(lines, (line) => served(line).fresh)} of prompts computed, ${sum(lines, (line) => served(line).cached)} from a cache, ${sum(lines, ({ server }) => server.predicted)} of answers |`,
    `| right, answered here | ${rights(by('local'))} |`,
    `| right, answered there | ${rights(by('remote'))} |`,
    ...(lines.some(({ set }) => set === 'clinc') ? [`| CLINC150 here, there | ${rights(by('local', 'clinc'))}; ${rights(by('remote', 'clinc'))} |`] : []),
    `| right, all | ${rights(lines)} |`,
    `| answered without leaving | ${estimate(summary.local_rate)} |`,
    `| spent | ${summary.spent.reported} counted, ${summary.spent.estimated} estimated, of ${meta.perDay} a day |`,
    `| all of it there | ${summary.counterfactual.measured} measured + ${summary.counterfactual.estimated} estimated |`,
    `| saved, estimated | ${estimate(summary.saving)} |`,
    `| accounts | ${accounts}: ${problems.length === 0 ? `equal for each of ${lines.length} questions, sum ${summary.spent.reported}` : `${problems.length} disagreements`} |`,
    `| decisions | ${again.identical} of ${lines.length} identical when computed again (${again.by}) |`,
    `| took | ${meta.seconds} s, ${meta.machine} |`,
    ...problems.slice(0, NAMED).map((problem) => `\n- ${problem}`),
  ].join('\n');
  return { text, problems };
}
