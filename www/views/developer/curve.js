// What the active calibration trades: how much is asked elsewhere against how much of what is kept is wrong.

import * as Plot from '../../vendor/plot.js';
import { drawn, figure } from '../../lib/plot.js';

/**
 * One point for each threshold that the calibration's own answers can tell apart, by the score's values as they were then:
 * `{below, deferred, wrong, active}`; `below` null keeps everything, `wrong` is what the score expects of the kept answers.
 */
export function points({ reference, scorer, threshold }) {
  const { edges, counts } = reference.score;
  const levels = scorer.isotonic.map(([, value]) => value);
  // Values lie between the curve's ends; of a bin the middle stands for all.
  const bounds = [Math.min(...levels), ...edges, Math.max(...levels)];
  const all = counts.reduce((sum, count) => sum + count, 0);
  const thresholds = [...edges, null];
  const active = threshold.below === null ? thresholds.length - 1 : closest(edges, threshold.below);
  let [kept, sum] = [0, 0];
  return thresholds.map((below, i) => {
    kept += counts[i];
    sum += counts[i] * ((bounds[i] + bounds[i + 1]) / 2);
    return { below, deferred: 1 - kept / all, wrong: kept > 0 ? sum / kept : 0, active: i === active };
  });
}

const closest = (edges, value) => edges.reduce((best, edge, i) => (Math.abs(edge - value) < Math.abs(edges[best] - value) ? i : best), 0);

const share = (value) => `${Math.round(value * 1000) / 10} %`;

export function deferralCurve(profile) {
  const all = points(profile);
  const gain = profile.scorer.scale === 'gain';
  const what = gain ? 'expected gain that is not taken' : 'wrong among the kept';
  const now = all.find(({ active }) => active);
  const plot = drawn({
    height: 240,
    x: { label: 'asked elsewhere', tickFormat: share, ticks: 5, domain: [0, 1] },
    y: { label: what, grid: true, tickFormat: share, ticks: 4, zero: true },
    marks: [
      Plot.line(all, { x: 'deferred', y: 'wrong', stroke: 'var(--accent)', strokeWidth: 2 }),
      Plot.dot(all, { x: 'deferred', y: 'wrong', fill: 'var(--accent)', r: 3 }),
      Plot.dot([now], { x: 'deferred', y: 'wrong', symbol: 'square', r: 7, stroke: 'var(--ink)', strokeWidth: 2 }),
    ],
  });
  const note = `As the score expects it of the ${profile.n} answers that the calibration “${profile.task}” was made with; the square is ${now.below === profile.threshold.below ? '' : 'closest to '}where answers part now.`;
  const rows = all.map(({ below, deferred, wrong, active }) => [below === null ? 'never' : `from ${share(below)} on${active ? ' (now)' : ''}`, share(deferred), share(wrong)]);
  return figure('deferral', 'Asked elsewhere against wrong answers kept', note, plot, ['Asked', 'Share asked elsewhere', gain ? 'Expected gain not taken' : 'Wrong among the kept'], rows);
}
