// Part 1 of tools/economics.mjs: published outcomes of a weak and a strong model, with an app's prices. Everything that is
// measured is measured by `kinglet route eval`; here are the rows that it reads, and the table.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const WEAK = 'mistralai/Mixtral-8x7B-Instruct-v0.1';
const STRONG = 'gpt-4-1106-preview';
/** Of the coin that decides which half the task label is learnt on, and of the samples: those of tools/route_outcomes.py. */
const SPLIT_SEED = 6n;
const BOOTSTRAP_SEED = 7;
const GIGA = 1e9;

/** Draw `at` of SplitMix64. */
function splitmix(seed, at) {
  const wrap = (x) => BigInt.asUintN(64, x);
  let z = wrap(seed + (at + 1n) * 0x9e3779b97f4a7c15n);
  z = wrap((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = wrap((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}

/** Records of a CSV (RFC 4180), by the names of its first line. */
export function csv(text) {
  const lines = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    lines.at(-1).push(quoted?.replaceAll('""', '"') ?? plain);
    if (end !== ',') lines.push([]);
  }
  const [names, ...records] = lines.filter((line) => line.length > 1);
  return records.map((record) => Object.fromEntries(names.map((name, i) => [name, record[i]])));
}

/** All questions: subject, length in characters, who is right; and whether they are judged, or learnt from. */
export function outcomes(folder) {
  if (!existsSync(folder)) throw new Error(`no outcomes in ${folder}: --data DIR, as docs/economics.md says`);
  const questions = readdirSync(folder)
    .filter((name) => name.endsWith('.csv'))
    .sort()
    .flatMap((name) => csv(readFileSync(join(folder, name), 'utf8')).map((row) => ({ task: name.slice(0, -4), ...row })));
  return questions.map(({ task, prompt, [WEAK]: weak, [STRONG]: strong }, i) => {
    return { task, chars: [...prompt].length, weak: weak === 'True', strong: strong === 'True', judged: splitmix(SPLIT_SEED, BigInt(i)) >> 63n === 1n };
  });
}

/** Micro-units, divided once and rounded up. */
const cost = (price, input, output) => Math.ceil((input * price.inputPerMillion + output * price.outputPerMillion) / 1e6);

/** What one device's downloads cost, in micro-units. */
const perDevice = ({ bytes, pricePerGigabyte, downloadsPerDevice }) => (bytes / GIGA) * pricePerGigabyte * downloadsPerDevice;

/**
 * The judged half as rows of docs/route.md. The score is the mean gain of a question's subject on the other half, known before
 * anything is asked; it orders the cascade, too. `delivery`: micro-units a request; their sum is spread in whole ones.
 */
export function rowsOf(questions, prices, delivery) {
  const learnt = questions.filter(({ judged }) => !judged);
  const mean = (list) => list.reduce((sum, { weak, strong }) => sum + Number(strong) - Number(weak), 0) / list.length;
  const gains = new Map([...new Set(questions.map(({ task }) => task))].map((task) => {
    const own = learnt.filter((one) => one.task === task);
    return [task, mean(own.length > 0 ? own : learnt)];
  }));
  return questions.filter(({ judged }) => judged).map(({ task, chars, weak, strong }, i) => {
    const input = Math.ceil(chars / prices.charactersPerToken);
    const costs = {
      local: Math.round(delivery * (i + 1)) - Math.round(delivery * i),
      remote: cost(prices.strong, input, prices.outputTokens),
      cheap: cost(prices.cheap, input, prices.outputTokens),
    };
    const score = gains.get(task);
    return { id: String(i), task, local_ok: weak, cheap_ok: weak, remote_ok: strong, score, cheap_score: score, costs, prompt_tokens: input };
  });
}

/** The native tool: an option, KINGLET_CLI, or what was built last; undefined: there is none. */
export function nativeTool(given = process.env.KINGLET_CLI) {
  if (given !== undefined) return given;
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const built = ['release', 'debug'].map((profile) => fileURLToPath(new URL(`../target/${profile}/kinglet${suffix}`, import.meta.url)));
  const age = (path) => -statSync(path).mtimeMs;
  return built.filter((path) => existsSync(path)).sort((a, b) => age(a) - age(b))[0];
}

/** The policies that `kinglet route eval` reports, by name. */
function evaluated(tool, rows, share, replicates) {
  const folder = mkdtempSync(join(tmpdir(), 'kinglet-economics-'));
  try {
    const file = join(folder, 'rows.jsonl');
    writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const args = ['route', 'eval', file, '--escalation', String(share), '--seed', String(BOOTSTRAP_SEED), '--replicates', String(replicates)];
    const { status, stdout, stderr } = spawnSync(tool, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
    if (status !== 0) throw new Error(`kinglet route eval ended with ${status}: ${stderr}`);
    return Object.fromEntries(JSON.parse(stdout).policies.map((policy) => [policy.name, policy]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const interval = ({ value, low, high }, digits, scale = 1) => `${(value * scale).toFixed(digits)} [${(low * scale).toFixed(digits)}, ${(high * scale).toFixed(digits)}]`;
const line = (name, { quality, quality_difference_to_all_remote: less, cost_per_right, saving_to_all_remote: saving }) =>
  `| ${name} | ${interval(quality, 1, 100)} | ${interval(less, 1, 100)} | ${interval(cost_per_right, 0)} | ${interval(saving, 1, 100)} |`;
const percent = (share) => `${Math.round(100 * share)} %`;

/** The table and what is to be said of it, as Markdown. */
export function quality({ data, prices: file, tool: given, replicates }) {
  const tool = nativeTool(given);
  if (tool === undefined) throw new Error('no native tool: cargo build --release -p kinglet-cli, or --kinglet FILE');
  const prices = JSON.parse(readFileSync(file, 'utf8'));
  const questions = outcomes(join(data, 'data/routing/mmlu_outcomes'));
  const { escalation, requestsPerDevice, delivery } = prices;
  const device = perDevice(delivery);
  const shares = escalation.map((share) => {
    const at = (delivered) => evaluated(tool, rowsOf(questions, prices, delivered), share, replicates);
    return { share, free: at(0), local: requestsPerDevice.map((requests) => ({ requests, of: at(device / requests) })) };
  });
  const [{ free: { all_remote, all_cheap_remote }, local: delivered }] = shares;
  const lines = [
    line('all remote: the strong model', all_remote),
    line('all cheap remote: the weak one, hosted', all_cheap_remote),
    ...delivered.map(({ requests, of }) => line(`all local, ${requests} requests a device`, of.all_local)),
    ...shares.flatMap(({ share, free, local }) => [
      line(`${percent(share)}: cheap → strong`, free.cheap_to_strong),
      ...local.map(({ requests, of }) => line(`${percent(share)}: local → strong, ${requests} requests a device`, of.signal)),
      line(`${percent(share)}: an oracle, delivery for nothing`, free.oracle),
    ]),
  ];
  const lifts = shares.map(({ share, free }) => `${interval(free.signal.benefit_lift, 2)} (${percent(share)})`).join(', ');
  const rows = rowsOf(questions, prices, 0);
  const sum = (get) => rows.reduce((all, { costs }) => all + get(costs), 0) / rows.length;
  const [cheap, strong] = [sum((c) => c.cheap), sum((c) => c.remote)];
  const [weakOk, strongOk] = [all_cheap_remote.quality.value, all_remote.quality.value];
  return [
    '| answered by | right, % | to all remote, points | money per right answer | saved, % |',
    '|---|---|---|---|---|',
    ...lines,
    '',
    `n = ${rows.length} of ${questions.length} questions; ${replicates} resamples (seed ${BOOTSTRAP_SEED}), 95 %. Money: millionths of ${prices.currency}, prices of ${prices.asOf}.`,
    `A question costs ${strong.toFixed(0)} (strong) or ${cheap.toFixed(1)} (cheap) on average; the weak model is right in ${percent(weakOk)}, the strong in ${percent(strongOk)}.`,
    `Delivery: ${(delivery.bytes / GIGA).toFixed(1)} GB × ${delivery.downloadsPerDevice} downloads = ${device.toFixed(0)} a device. It is paid for from`,
    `${Math.ceil(device / cheap)} requests a device on against hosting the same weak model, and from ${Math.ceil(device / strong)} on against the strong one.`,
    `Right answers more for each unit of money more, against asking the strong model everything (benefit lift, delivery for nothing):`,
    `${lifts}.`,
  ].join('\n');
}
