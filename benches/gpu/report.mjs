// node benches/gpu/report.mjs [--check]: writes the tables of benches/results/gpu-*.json into docs/benchmarks.md, and the plots
// beside it (docs/benchmarks/). The same results give the same bytes. --check: only says whether they are as they should be.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bars } from './svg.mjs';

const ROOT = new URL('../../', import.meta.url);
const [BEGIN, END] = ['<!-- results: benches/gpu/report.mjs -->', '<!-- end of results -->'];

const digits = (value, n = 3) => (typeof value === 'number' && Number.isFinite(value) ? String(Number(value.toPrecision(n))) : '');
const percent = (value) => (typeof value === 'number' ? `${digits(100 * value, 3)} %` : '');
const median = (value) => (typeof value === 'number' ? value : value?.median);
const row = (cells) => `| ${cells.join(' | ')} |`;
const table = (head, rows) => [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

/** What a kernel computes, in words. */
export function label(kernel) {
  const what = kernel.stage === 'attention' ? `${kernel.heads} heads, context ${kernel.context}, ${kernel.cache}` : `${kernel.cols}×${kernel.rows} ${kernel.format}`;
  return `${kernel.stage} ${what}${kernel.tokens > 1 ? `, ${kernel.tokens} tokens` : ''}`;
}

/** The way that a kernel was computed. */
export function way({ tuning, stage, tokens }) {
  const part = stage === 'attention' ? tuning.attention : tokens === 1 ? tuning.gemv : tuning.gemm;
  return Object.values(part).filter((value) => typeof value !== 'object').join(' ');
}

/** The fastest way of each case, in the order of the file; what is wrong in all ways stays, without figures. */
export function fastest(kernels) {
  const cases = new Map();
  for (const kernel of kernels) {
    const known = cases.get(label(kernel));
    if (known === undefined || (kernel.ms && !(known.ms?.median <= kernel.ms.median))) cases.set(label(kernel), kernel);
  }
  return [...cases.values()];
}

function peaksTable({ peaks }) {
  const rows = Object.entries(peaks).map(([name, peak]) => [name, peak.wrong ? 'wrong' : `${digits(peak.median)} ${peak.unit}`, peak.wrong ? '' : `${digits(peak.min)} to ${digits(peak.max)}`]);
  return table(['the device alone', 'median', 'range'], rows);
}

function kernelsTable({ kernels }) {
  const rows = fastest(kernels).map((kernel) => {
    const figures = kernel.wrong ? ['wrong', '', ''] : [digits(kernel.ms.median), kernel.tokens === 1 ? `${digits(kernel.gb_per_s)} GB/s` : `${digits(kernel.gflop_per_s)} GFLOP/s`, percent(kernel.of_read ?? kernel.of_fma)];
    return [label(kernel), way(kernel), String(kernel.dispatches), ...figures];
  });
  return table(['kernel', 'way', 'dispatches', 'ms', 'rate', 'of the device alone'], rows);
}

function modelTable({ engines }) {
  const rows = Object.entries(engines).flatMap(([name, engine]) => {
    if (!engine.prompts) return [[name, '', `no figures: ${(engine.failed ?? engine.validation.problem).split('\n')[0]}`, '', '', '', '']];
    return Object.entries(engine.prompts).map(([tokens, found]) => {
      const faster = found.kinglet_is_faster;
      const ratio = faster ? `prefill ${digits(faster.prefill.median)}×, decode ${digits(faster.decode.median)}×` : '';
      return [name, tokens, digits(median(found.prefill_tokens_per_s)), digits(median(found.decode_tokens_per_s)), digits(median(found.first_ms), 4), digits(engine.load_ms, 4), ratio];
    });
  });
  return table(['engine', 'prompt', 'prefill tokens/s', 'decode tokens/s', 'first token, ms', 'load, ms', 'kinglet is faster by'], rows);
}

function countsTable({ engines }) {
  const counted = Object.entries(engines).filter(([, engine]) => engine.per_token);
  const names = [...new Set(counted.flatMap(([, { per_token }]) => Object.keys(per_token)))];
  const rows = names.map((name) => [name, ...counted.map(([, { per_token }]) => digits(per_token[name], 5))]);
  return rows.length > 0 ? table(['for each token', ...counted.map(([name]) => name)], rows) : '';
}

function explainedLine({ explained }) {
  if (!explained) return '';
  const { bytes_ms, dispatch_ms, answer_ms, expected_ms, kernels_ms, measured_ms, ratio } = explained;
  const sum = kernels_ms ? ` The kernels measured alone add up to ${digits(kernels_ms)} ms.` : '';
  return `A token by the model: ${digits(bytes_ms)} ms for its bytes + ${digits(dispatch_ms)} for its dispatches + ${digits(answer_ms)} for the answer = ${digits(expected_ms)} ms; measured ${digits(measured_ms)} ms, ${digits(ratio)} times as much.${sum}`;
}

const placed = ({ runner, adapter }) => `${runner}, ${adapter}`;

/** The section of one file of results, and its plots by file name. */
export function section(name, found) {
  const { machine, commit, command, results } = found;
  const out = [`### ${name}`, '', `    ${command}`, '', `Commit ${commit}, ${found.date.slice(0, 10)}, ${machine.processors} processors (${machine.processor}). Everything: [${name}.json](../benches/results/${name}.json).`];
  if (found.file) out.push('', `File: ${found.file}, ${digits(found.file_bytes / 1e9)} GB; context ${found.context}.`);
  const plots = {};
  for (const [i, result] of results.entries()) {
    const versions = Object.entries(result.versions ?? {}).map(([what, version]) => `${what} ${version}`).join(', ');
    out.push('', `**${placed(result)}**${versions ? ` (${versions})` : ''}: ${result.kernels?.adapter ?? result.model?.engines.kinglet?.info?.adapter ?? result.hidden_adapter ?? ''}; other programs used ${digits(result.others_processors, 2)} processors.`);
    if (result.kernels) {
      const file = `${name}-${i}-${result.runner}-${result.adapter}.svg`;
      plots[file] = plot(result);
      out.push('', peaksTable(result.kernels), '', kernelsTable(result.kernels), '', `![Bandwidth of the kernels of ${placed(result)}](benchmarks/${file})`);
    }
    if (result.model) out.push('', modelTable(result.model), '', countsTable(result.model));
    if (result.explained) out.push('', explainedLine(result));
  }
  return { text: out.join('\n').replace(/\n{3,}/g, '\n\n'), plots };
}

/** GB/s of all kernels of one token, with the device's own as the roof. */
function plot(result) {
  const { kernels, peaks } = result.kernels;
  const roof = Math.max(0, ...Object.entries(peaks).filter(([name]) => name.startsWith('read ')).map(([, peak]) => peak.median ?? 0));
  const rows = fastest(kernels).filter((kernel) => kernel.tokens === 1 && kernel.ms).map((kernel) => ({
    label: label(kernel),
    value: kernel.gb_per_s,
    shown: `${digits(kernel.gb_per_s)} GB/s, ${percent(kernel.of_read)}`,
    kind: Number(kernel.stage === 'attention'),
  }));
  return bars({ title: `Kernels of one token: ${placed(result)}`, subtitle: `GB/s of weights, or of keys and values; line: plain read, ${digits(roof)} GB/s`, rows, roof });
}

/** The page with the results in it, and the plots. */
export function rendered(page, files) {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the page lacks ${BEGIN} or ${END}`);
  const sections = files.map(([name, found]) => section(name, found));
  const body = sections.map(({ text }) => text).join('\n\n') || 'There are none yet.';
  const text = `${page.slice(0, begin)}${BEGIN}\n\n${body}\n\n${page.slice(end)}`;
  return { text, plots: Object.assign({}, ...sections.map(({ plots }) => plots)) };
}

/** All results of the repository by name. */
export function results() {
  const folder = new URL('benches/results/', ROOT);
  const names = readdirSync(folder).filter((name) => /^gpu-.*\.json$/.test(name)).sort();
  return names.map((name) => [name.slice(0, -5), JSON.parse(readFileSync(new URL(name, folder), 'utf8'))]);
}

function main(check) {
  const [path, folder] = [new URL('docs/benchmarks.md', ROOT), new URL('docs/benchmarks/', ROOT)];
  const { text, plots } = rendered(readFileSync(path, 'utf8'), results());
  const there = existsSync(folder) ? readdirSync(folder) : [];
  if (check) {
    const stale = [readFileSync(path, 'utf8') !== text && 'docs/benchmarks.md', ...Object.entries(plots).filter(([name, svg]) => !there.includes(name) || readFileSync(new URL(name, folder), 'utf8') !== svg).map(([name]) => name), ...there.filter((name) => !(name in plots))].filter(Boolean);
    if (stale.length > 0) throw new Error(`not what node benches/gpu/report.mjs writes: ${stale.join(', ')}`);
    return;
  }
  writeFileSync(path, text);
  rmSync(folder, { recursive: true, force: true });
  if (Object.keys(plots).length > 0) mkdirSync(folder);
  for (const [name, svg] of Object.entries(plots)) writeFileSync(new URL(name, folder), svg);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.includes('--check'));
