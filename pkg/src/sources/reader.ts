// How bytes come to the engine: one Reader for each file of a model.

import { KingletError } from '../errors.js';

/** Random access to one file. Reads do not overlap. */
export interface Reader {
  /** For messages: an address, a file's name. */
  readonly name: string;
  /** Bytes, where that is known. */
  readonly length: number | undefined;
  /**
   * Exactly `length` bytes at `offset`. They stay what they are until the next read: who wants them for longer copies them.
   *
   * @throws KingletError `truncated` beyond the end; `http`, `io` and others when they cannot be had.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Waits for what was not read, where all of it has to come. @throws KingletError when what was read is not the file. */
  finish?(): Promise<void>;
  /** Gives back what the reader holds. Reading again afterwards opens it anew, where its source allows that. */
  close?(): Promise<void>;
  /** Closes it, and forgets what was kept of it: it was no model. */
  discard?(): Promise<void>;
}

/** The error of a read beyond the end of the file. */
export function truncated(name: string, needed: number, available: number): KingletError {
  const message = `truncated model file: ${name} needs bytes up to ${needed}, the file has ${available}`;
  return new KingletError('truncated', message, { what: name, needed, available });
}

/** The error of a source that could not be read for a reason of its own. */
export function unreadable(name: string, thrown: unknown): KingletError {
  if (thrown instanceof KingletError) {
    return thrown;
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new KingletError('io', `reading ${name} failed: ${message}`, { source: name }, { cause: thrown });
}

/**
 * Remembers why the last read failed. The engine has fewer words for that than JavaScript: what a load rejects with is
 * the reader's own error, unless the engine could go on without those bytes (`failure` is then undefined).
 */
export class Readers {
  /** For the engine. */
  readonly all: readonly Reader[];
  private last: KingletError | undefined;

  constructor(readonly given: readonly Reader[]) {
    this.all = given.map((reader) => this.watched(reader));
  }

  /** Why the last read failed, if it did. */
  get failure(): KingletError | undefined {
    return this.last;
  }

  /** What failed before belongs to another load. */
  begin(): void {
    this.last = undefined;
  }

  /** Length of all files together; `Infinity` where one does not say. */
  get length(): number {
    return this.given.reduce((sum, { length }) => sum + (length ?? Infinity), 0);
  }

  /** See {@link Reader.finish}. */
  async finish(): Promise<void> {
    await Promise.all(this.given.map((reader) => reader.finish?.()));
  }

  /** Closes all of them. */
  async close(): Promise<void> {
    await Promise.all(this.given.map((reader) => reader.close?.()));
  }

  /** See {@link Reader.discard}. */
  async discard(): Promise<void> {
    await Promise.all(this.given.map((reader) => reader.discard?.() ?? reader.close?.()));
  }

  private watched(reader: Reader): Reader {
    return {
      name: reader.name,
      get length() {
        return reader.length;
      },
      read: async (offset, length) => {
        try {
          const bytes = await reader.read(offset, length);
          this.last = undefined;
          return bytes;
        } catch (thrown) {
          this.last = unreadable(reader.name, thrown);
          throw this.last;
        }
      },
    };
  }
}
