// Progress in the words of several libraries at once, so that a page's code for another one goes on working.

import type { Phase, Progress } from './types.js';

/** What the engine and the downloads report. */
export type Report = Omit<Progress, 'status' | 'progress' | 'text'> & { text?: string };

const WORDS: Record<Phase, string> = {
  wait: 'waiting',
  download: 'downloading',
  upload: 'loading the weights',
  compile: 'compiling',
  ready: 'ready',
};

/** A report with what follows from it. */
export function told(report: Report): Progress {
  const { phase, loaded, total, file } = report;
  const progress = phase === 'ready' ? 1 : total > 0 ? Math.min(1, loaded / total) : 0;
  const percent = total > 0 ? `: ${Math.floor(100 * progress)} %` : '';
  const text = [WORDS[phase], ...(file === undefined ? [] : [file])].join(' ') + percent;
  return { status: phase, progress, text, ...report };
}
