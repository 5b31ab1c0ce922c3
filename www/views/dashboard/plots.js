// The plots: drawn by Observable Plot, told apart by patterns and shapes, and each also a table.

import * as Plot from '../../vendor/plot.js';
import { duration, money } from '../../lib/format.js';
import { drawn, figure } from '../../lib/plot.js';
import { ASKS, KEPT } from '../../escalation/reasons.js';

const NAMES = { local: 'this device', remote: 'a bigger model' };
const utcDay = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' });
const short = new Intl.DateTimeFormat(undefined, { month: 'numeric', day: 'numeric', timeZone: 'UTC' });

const FILL = { local: 'var(--accent)', remote: 'url(#stripes)' };
const bar = { stroke: 'var(--accent)', strokeWidth: 1 };
const bands = (all) => ({ domain: all.map(({ day }) => day), tickFormat: (day, i) => (i % Math.ceil(all.length / 8) === 0 ? short.format(day) : ''), label: null, type: 'band' });

/** Answers by day, from which side. */
export function answersPlot(all) {
  const bars = all.flatMap(({ day, local, remote }) => [{ day, source: 'local', n: local }, { day, source: 'remote', n: remote }]);
  const plot = drawn({
    height: 220,
    x: bands(all),
    y: { label: 'answers', grid: true, ticks: 4, tickFormat: (n) => (Number.isInteger(n) ? String(n) : '') },
    marks: [Plot.barY(bars, Plot.stackY({ x: 'day', y: 'n', fill: ({ source }) => FILL[source], ...bar })), Plot.ruleY([0])],
    color: { type: 'identity' },
  });
  return figure('answers', 'Answers by day', 'Plain: this device. Striped: a bigger model.', plot, ['Day', 'This device', 'A bigger model'], all.map(({ day, local, remote }) => [utcDay.format(day), local, remote]));
}

/** Money by day: what was spent, and what all of it would have cost elsewhere. */
export function moneyPlot(all, currency) {
  const amount = (micros) => money(micros, currency);
  const plot = drawn({
    height: 220,
    marginLeft: 84,
    x: bands(all),
    y: { label: null, grid: true, ticks: 4, tickFormat: (value) => amount(value) },
    marks: [
      Plot.barY(all, { x: 'day', y: 'spent', fill: FILL.remote, ...bar }),
      Plot.tickY(all, { x: 'day', y: 'elsewhere', stroke: 'var(--ink)', strokeWidth: 3 }),
      Plot.ruleY([0]),
    ],
  });
  return figure('money', 'Spent by day', 'Striped bar: spent. Thick line: what all answers would have cost at the first bigger model.', plot, ['Day', 'Spent', 'Would have cost'], all.map(({ day, spent, elsewhere }) => [utcDay.format(day), amount(spent), amount(elsewhere)]));
}

/** In words of few letters: what stands beside a bar. */
const label = (reason) => String(reason).replaceAll('_', ' ');

/** Why requests ended where they did. */
export function reasonsPlot(all) {
  const bars = all.flatMap(({ reason, local, remote }) => [{ reason, source: 'local', n: local }, { reason, source: 'remote', n: remote }]).filter(({ n }) => n > 0);
  const plot = drawn({
    height: 40 + 28 * all.length,
    marginLeft: 120,
    marginRight: 36,
    x: { label: null, axis: null },
    y: { domain: all.map(({ reason }) => reason), label: null, tickFormat: label },
    marks: [
      Plot.barX(bars, Plot.stackX({ y: 'reason', x: 'n', fill: ({ source }) => FILL[source], ...bar })),
      Plot.text(all, { y: 'reason', x: ({ local, remote }) => local + remote, text: ({ local, remote }) => String(local + remote), dx: 6, textAnchor: 'start', fill: 'currentColor' }),
    ],
    color: { type: 'identity' },
  });
  const meaning = (reason) => ASKS[reason] ?? KEPT[reason]?.replace(/^[^:]*: /, '') ?? '';
  return figure('reasons', 'Why', 'Plain: this device answered. Striped: a bigger model was asked.', plot, ['Reason', 'Meaning', 'This device', 'A bigger model'], all.map(({ reason, local, remote }) => [label(reason), meaning(reason), local, remote]));
}

/** 1, 10, 100, … around these. */
function decades(dots) {
  const all = dots.map(({ ms }) => Math.log10(ms));
  const [first, last] = [Math.floor(Math.min(...all)), Math.ceil(Math.max(...all))];
  return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i));
}

/** How long it took: each answer, and the median. Circles are this device, triangles a bigger model. */
export function latencyPlot(all) {
  const rows = all.map((one) => ({ ...one, row: `${one.what}, ${NAMES[one.source]}`, place: `${one.what.split(' ')[0]}, ${one.source === 'local' ? 'here' : 'bigger'}` }));
  const dots = rows.flatMap(({ place, source, values }) => values.slice(-500).map((ms) => ({ place, source, ms: Math.max(1, ms) })));
  const plot = drawn({
    height: 60 + 36 * rows.length,
    marginLeft: 104,
    x: { type: 'log', label: null, grid: true, ticks: decades(dots), tickFormat: (ms) => duration(ms) },
    y: { domain: rows.map(({ place }) => place), label: null },
    symbol: { type: 'identity' },
    marks: [
      Plot.dot(dots, { y: 'place', x: 'ms', symbol: ({ source }) => (source === 'local' ? 'circle' : 'triangle'), stroke: 'var(--accent)', r: 3 }),
      Plot.tickX(rows, { y: 'place', x: ({ median }) => Math.max(1, median), stroke: 'var(--ink)', strokeWidth: 3 }),
    ],
  });
  return figure(
    'latency',
    'How long it took',
    'One mark for each answer: circles this device, triangles a bigger model. Thick line: the median. The scale is logarithmic.',
    plot,
    ['What', 'Answers', 'Median', 'Fastest tenth', 'Slowest tenth'],
    rows.map(({ row, n, median, low, high }) => [row, n, duration(median), `up to ${duration(low)}`, `from ${duration(high)}`]),
  );
}

/** Of a calibration: from the score to the share that is wrong, and from where on a bigger model is asked. */
export function curvePlot({ knots, threshold, scale }) {
  const points = knots.map(([score, wrong]) => ({ score, wrong }));
  const what = scale === 'gain' ? 'expected gain' : 'likely wrong';
  const share = (value) => `${Math.round(value * 1000) / 10} %`;
  const plot = drawn({
    height: 220,
    x: { label: 'doubt' },
    y: { label: what, grid: true, tickFormat: share, ticks: 4 },
    marks: [
      Plot.line(points, { x: 'score', y: 'wrong', curve: 'linear', stroke: 'var(--accent)', strokeWidth: 2 }),
      Plot.dot(points, { x: 'score', y: 'wrong', fill: 'var(--accent)', r: 3 }),
      ...(threshold === null ? [] : [Plot.ruleY([threshold], { stroke: 'var(--ink)', strokeDasharray: '6 4', strokeWidth: 2 })]),
    ],
  });
  const note = threshold === null ? 'Every answer is kept.' : `Dashed line: from ${share(threshold)} on a bigger model is asked.`;
  return figure('curve', 'What the calibration says', note, plot, ['Doubt', what], points.map(({ score, wrong }) => [score.toPrecision(3), share(wrong)]));
}
