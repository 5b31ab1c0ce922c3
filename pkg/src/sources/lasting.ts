// A Reader that can be closed and read again: after a load nothing is held open, and a restored engine reads it anew.

import { KingletError } from '../errors.js';
import type { Reader } from './reader.js';

/** After so many milliseconds without a read, what was opened for reading again is closed. */
const IDLE_MS = 30_000;

/** Roots of files that are kept nowhere begin with this: they are what the server calls the version. */
export const UNKEPT = 'http ';

/** What a {@link LastingReader} opens. */
export interface Openable extends Reader {
  /** What its content is known by, as soon as that is known; another one of the same kind is another file. */
  readonly root?: string | undefined;
}

/** Opens its file when it is read, as often as it takes. */
export class LastingReader implements Reader {
  private known: number | undefined;
  private root: string | undefined;
  private idle: ReturnType<typeof setTimeout> | undefined;
  private loading = true;

  private constructor(
    private readonly again: (root: string | undefined) => Promise<Openable>,
    private current: Openable | undefined,
    readonly name: string,
  ) {}

  /** Opens it for the first time; later with the `root` of what it was then. */
  static async open(open: (root: string | undefined) => Promise<Openable>): Promise<LastingReader> {
    const first = await open(undefined);
    return new LastingReader(open, first, first.name);
  }

  get length(): number | undefined {
    return this.current?.length ?? this.known;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    clearTimeout(this.idle);
    const reader = (this.current ??= await this.reopened());
    const bytes = await reader.read(offset, length);
    if (!this.loading) {
      this.idle = setTimeout(() => void this.close().catch(() => undefined), IDLE_MS);
    }
    return bytes;
  }

  /** See {@link Reader.finish}. What was read again is now compared with what was read before. */
  async finish(): Promise<void> {
    await this.current?.finish?.();
    this.compare(this.current);
  }

  async close(): Promise<void> {
    const { current } = this;
    clearTimeout(this.idle);
    this.loading = false;
    this.known = this.length;
    this.root ??= current?.root;
    this.current = undefined;
    await current?.close?.();
  }

  async discard(): Promise<void> {
    const { current } = this;
    this.current = undefined;
    await (current?.discard?.() ?? current?.close?.());
  }

  private async reopened(): Promise<Openable> {
    const reader = await this.again(this.root);
    try {
      this.compare(reader);
      return reader;
    } catch (thrown) {
      await reader.close?.();
      throw thrown;
    }
  }

  /** A file that is being downloaded again has no root before it is there; its length is known earlier. */
  private compare(now: Openable | undefined): void {
    const { root, known } = this;
    const another =
      (root !== undefined && now?.root !== undefined && kindOf(now.root) === kindOf(root) && now.root !== root) ||
      (known !== undefined && now?.length !== undefined && now.length !== known);
    if (another) {
      const message = `${this.name} is another file than the one that was loaded; create the model again`;
      throw new KingletError('file_changed', message, { url: this.name });
    }
  }
}

/** Roots are compared with those of the same kind. */
function kindOf(root: string): boolean {
  return root.startsWith(UNKEPT);
}
