// How far the download of a model is, all its files together.

import type { Report } from '../progress.js';

/** Reports are no closer together than this. */
const PAUSE_MS = 50;

/** Adds up what its files say. */
export class Meter {
  private readonly files = new Map<string, { loaded: number; total: number | undefined }>();
  private reported = -Infinity;

  constructor(private readonly report: (progress: Report) => void) {}

  /** `loaded` of a file's bytes are there. */
  update(file: string, loaded: number, total: number | undefined): void {
    this.files.set(file, { loaded, total });
    const now = performance.now();
    if (loaded === total || now - this.reported >= PAUSE_MS) {
      this.reported = now;
      this.say(file);
    }
  }

  /** Reports at once that somebody else has to end first; `loaded` of the file's bytes are there by now. */
  wait(file: string, text: string, loaded = 0, total?: number): void {
    this.report({ phase: 'wait', file, loaded, total: total ?? 0, text: `waiting: ${text}` });
  }

  private say(file: string): void {
    const files = [...this.files.values()];
    const sum = (of: 'loaded' | 'total') => files.reduce((all, each) => all + (each[of] ?? 0), 0);
    const known = files.every(({ total }) => total !== undefined);
    this.report({ phase: 'download', file, loaded: sum('loaded'), total: known ? sum('total') : 0 });
  }
}
