// The requests of a download: each asks for what is missing of a run of chunks, checks that the answer is of the version
// of the first one, and fills the chunks.

import { KingletError } from '../errors.js';
import { extentOf, httpError, lengthOf, replyOf } from '../sources/range.js';
import { unreadable } from '../sources/reader.js';
import { ask, bodyOf, cut, fileChanged, type Answer } from '../sources/remote.js';
import { Passing, type Patience } from '../sources/retry.js';
import { ifRange, otherNode, same, telling, validatorsOf } from '../sources/validators.js';
import type { Arrival } from './arrival.js';
import type { Run, Runs } from './runs.js';
import { CHUNK } from './window.js';

/** What has come cannot be gone on with: the server has another version of the file now, or may have. */
export class Anew extends Error {
  constructor(
    /** Why, if not that the file has changed. */
    readonly error?: KingletError,
  ) {
    super();
  }
}

/** Asks the server of one file. */
export class Requests {
  private heard = false;
  /** Where the last answer ended. */
  private reached = -1;
  /** How the last answer ended too early. */
  private broke: KingletError | undefined;
  /** What might have passed, but did not. */
  private readonly passing = new WeakSet<KingletError>();

  /** `answered`: the server has said what the file is; with the run that is received now, where there is one. */
  constructor(
    private readonly arrival: Arrival,
    private readonly runs: Runs,
    private readonly patience: Required<Patience>,
    private readonly answered: (run?: Run) => void,
  ) {}

  /** Whether another connection could have more luck. */
  mightPass(thrown: unknown): boolean {
    return this.passing.has(thrown as KingletError);
  }

  /** One request for what is missing of a run. */
  async attempt(run: Run, signal: AbortSignal, progressed: () => void): Promise<void> {
    try {
      await this.fetch(run, signal, progressed);
    } catch (thrown) {
      if (thrown instanceof Passing) {
        this.broke = thrown.error;
        this.passing.add(thrown.error);
      }
      throw thrown;
    }
  }

  private async fetch(run: Run, signal: AbortSignal, progressed: () => void): Promise<void> {
    const { origin, manifest, length, resumable } = this.arrival;
    const start = run.from * CHUNK + this.arrival.come(run.from);
    const end = Math.min(run.to * CHUNK, length ?? Infinity);
    const beginning = !telling(manifest) && manifest.sha.length === 0 && start === 0;
    if (!beginning && !resumable) {
      throw origin.once ? unreadable(origin.url, 'a stream can be read only once') : new Anew(this.broke);
    }
    const condition = beginning ? [] : ifRange(origin.url, manifest);
    const answer = await ask(origin, start, end, condition, this.patience, signal).catch((thrown: unknown) => {
      // A wrong address, no network, no permission (CORS): trying again at once would only hide it.
      throw thrown instanceof Passing && thrown.error.code === 'io' && !this.heard && start === 0 ? thrown.error : thrown;
    });
    this.heard = true;
    try {
      const from = await this.meaning(answer.response, beginning, start, end);
      if (from === undefined) {
        await this.endsAt(run, start);
      } else {
        this.answered(run);
        await this.receive(run, answer, from, signal, progressed);
      }
    } finally {
      answer.stall.end();
    }
    this.answered();
  }

  /** Checks an answer. Where its body begins and must end; undefined: the file ends where it was to begin. */
  private async meaning(response: Response, beginning: boolean, start: number, end: number) {
    const { origin, manifest, length } = this.arrival;
    const found = validatorsOf(response.headers);
    const reply = replyOf(response);
    if (reply.status === 416 && start > 0) {
      // The end of a file whose length nobody said: where the server says so now, or all came that there was.
      const end = lengthOf(reply.contentRange) ?? this.reached;
      if (length !== null || end !== start || (telling(found) && !same(manifest, found))) {
        throw new Anew();
      }
      return undefined;
    }
    const whole = reply.status === 200;
    const extent = extentOf(origin.url, whole ? 0 : start, whole ? Infinity : end, undefined, reply);
    if (reply.status === 206 && (reply.contentEncoding ?? 'identity') !== 'identity') {
      throw httpError(origin.url, 206, `a part of an answer compressed with ${reply.contentEncoding} cannot be used`);
    }
    if (beginning) {
      Object.assign(manifest, found);
    } else if (otherNode(manifest, found) && (length ?? extent.total) === extent.total) {
      this.runs.single = true;
      throw new Passing(fileChanged(origin.url));
    } else if (telling(manifest) ? !same(manifest, found) : origin.sha256 === undefined) {
      throw new Anew();
    }
    if (length !== null && extent.total !== undefined && length !== extent.total) {
      throw new Anew();
    }
    this.runs.ranged = extent.ranged;
    if (length === null && extent.total !== undefined) {
      if (extent.total < start) {
        throw new Anew(); // more than that has come already
      }
      await this.arrival.learn(extent.total);
    }
    return { at: extent.start, end: extent.end };
  }

  /** Fills chunks from a body that begins at `from.at`, of which the bytes are wanted that have not come yet. */
  private async receive(
    run: Run,
    answer: Answer,
    from: { at: number; end: number | undefined },
    signal: AbortSignal,
    progressed: () => void,
  ): Promise<void> {
    const { arrival, runs } = this;
    const { origin } = arrival;
    let { at } = from;
    const next = () => run.from * CHUNK + arrival.come(run.from);
    for await (let piece of bodyOf(origin, answer, signal)) {
      while (piece.length > 0) {
        const skipped = Math.min(piece.length, next() - at);
        at += skipped;
        piece = piece.subarray(skipped);
        if (piece.length === 0) {
          break;
        }
        const { taken, whole } = await arrival.fill(run.from, piece);
        if (taken === 0) {
          throw httpError(origin.url, answer.response.status, `more than the file's ${arrival.length} bytes were sent`);
        }
        at += taken;
        piece = piece.subarray(taken);
        progressed();
        if (whole) {
          runs.advance(run);
          // Beyond the end of the file nothing must come; what is there need not come again.
          if (run.from >= run.to || (runs.isDone(run) && at < (arrival.length ?? 0))) {
            return;
          }
        }
      }
    }
    const { length } = arrival;
    this.reached = at;
    if (from.end !== undefined ? at < from.end : length !== null && at < Math.min(length, run.to * CHUNK)) {
      throw cut(origin, at, from.end ?? length ?? at);
    }
    if (from.end === undefined && length === null) {
      if (at < next()) {
        throw new Anew();
      }
      await this.endsAt(run, at);
    }
  }

  private async endsAt(run: Run, length: number): Promise<void> {
    if (await this.arrival.endsAt(run.from, length)) {
      this.runs.advance(run);
    }
  }
}
