// The origin private file system. In a dedicated worker files are open as sync access handles, which read straight into
// memory; elsewhere they are read as Blobs, and nothing can be written.

import { KingletError } from '../errors.js';
import { fnv32 } from '../hash.js';
import type { Disk, DiskFile } from './disk.js';
import { BLOCK, CHUNK } from './window.js';

const ROOT = 'kinglet';
/** A record is written to the older of two files, so that the newer one is there as long as it is being written. */
const SIDES = ['a', 'b'] as const;

/** How long a file is waited for that somebody else has open: a tab that is just being closed lets go of it soon. */
const BUSY_MS = 2000;
const BUSY_STEP_MS = 50;

/** How exactly the room that is left is found out. */
const ROOM_STEP = 1 << 20;

/** What TypeScript knows only of workers. */
interface SyncHandle {
  read(into: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  write(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number;
  getSize(): number;
  truncate(length: number): void;
  flush(): void;
  close(): void;
}

interface Handle extends FileSystemFileHandle {
  createSyncAccessHandle(options?: { mode: 'read-only' | 'readwrite' }): Promise<SyncHandle>;
}

interface Side {
  side: string;
  sequence: number;
  text: string;
}

/** The store's folder of this origin. */
export class Opfs implements Disk {
  readonly kind = 'opfs';
  readonly writable = typeof FileSystemFileHandle !== 'undefined' && 'createSyncAccessHandle' in FileSystemFileHandle.prototype;

  private constructor(
    private readonly recordFolder: FileSystemDirectoryHandle,
    private readonly fileFolder: FileSystemDirectoryHandle,
  ) {}

  /** Undefined where the browser has none, or gives none to this page (plain http, some private windows). */
  static async find(): Promise<Opfs | undefined> {
    try {
      const root = await navigator.storage.getDirectory();
      const folder = await root.getDirectoryHandle(ROOT, { create: true });
      const inside = (name: string) => folder.getDirectoryHandle(name, { create: true });
      return new Opfs(await inside('records'), await inside('files'));
    } catch {
      return undefined;
    }
  }

  async records(): Promise<string[]> {
    const names = await namesIn(this.recordFolder);
    return [...new Set(names.map((name) => name.slice(0, name.lastIndexOf('.'))))];
  }

  async readRecord(name: string): Promise<string | undefined> {
    return (await this.sides(name))[0]?.text;
  }

  async writeRecord(name: string, text: string): Promise<void> {
    const [newest] = await this.sides(name);
    const side = SIDES.find((side) => side !== newest?.side) ?? SIDES[0];
    const handle = (await this.recordFolder.getFileHandle(`${name}.${side}`, { create: true })) as Handle;
    const file = await exclusively(handle);
    try {
      const bytes = new TextEncoder().encode(`${(newest?.sequence ?? 0) + 1} ${fnv32(text)}\n${text}`);
      file.truncate(bytes.length);
      if (file.write(bytes, { at: 0 }) !== bytes.length) {
        throw new DOMException('not everything could be written', 'QuotaExceededError');
      }
      file.flush();
    } finally {
      file.close();
    }
  }

  async removeRecord(name: string): Promise<void> {
    // The newer one last: what is left in between is a record that was there.
    const sides = (await this.sides(name)).map(({ side }) => side).reverse();
    const others = SIDES.filter((side) => !sides.includes(side));
    for (const side of [...others, ...sides]) {
      await remove(this.recordFolder, `${name}.${side}`);
    }
  }

  files(): Promise<string[]> {
    return namesIn(this.fileFolder);
  }

  async openFile(name: string, mode: 'read' | 'write'): Promise<DiskFile | undefined> {
    const handle = await this.fileFolder.getFileHandle(name, { create: mode === 'write' }).catch(absent);
    if (handle === undefined) {
      return undefined;
    }
    if (mode === 'write') {
      return new SyncFile(await exclusively(handle as Handle));
    }
    if (!this.writable) {
      return new SlicedFile(handle);
    }
    // Without that mode a browser locks the file for one reader; the others take it as a Blob.
    const sync = await (handle as Handle).createSyncAccessHandle({ mode: 'read-only' }).catch(() => undefined);
    return sync === undefined ? new SlicedFile(handle) : new SyncFile(sync);
  }

  async removeFile(name: string): Promise<void> {
    await remove(this.fileFolder, name);
  }

  /** The sides of a record that were written completely, the newest first. */
  private async sides(name: string): Promise<Side[]> {
    const found: Side[] = [];
    for (const side of SIDES) {
      const content = await persistent(['NotReadableError'], `${name}.${side}`, async () => {
        const handle = await this.recordFolder.getFileHandle(`${name}.${side}`).catch(absent);
        return await (await handle?.getFile())?.text();
      });
      const [, sequence, sum, text] = /^(\d+) (\d+)\n(.*)$/s.exec(content ?? '') ?? [];
      if (text !== undefined && Number(sum) === fnv32(text)) {
        found.push({ side, sequence: Number(sequence), text });
      }
    }
    return found.sort((a, b) => b.sequence - a.sequence);
  }
}

class SyncFile implements DiskFile {
  readonly block = BLOCK;

  constructor(private readonly handle: SyncHandle) {}

  async read(n: number, into: Uint8Array<ArrayBuffer>, from = 0): Promise<number> {
    return this.handle.read(into, { at: n * CHUNK + from });
  }

  async write(n: number, bytes: Uint8Array<ArrayBuffer>, from = 0): Promise<void> {
    if (this.handle.write(bytes.subarray(from), { at: n * CHUNK + from }) !== bytes.length - from) {
      throw new DOMException('not everything could be written', 'QuotaExceededError');
    }
  }

  async size(): Promise<number> {
    return this.handle.getSize();
  }

  async reserve(length: number): Promise<void> {
    if (this.handle.getSize() < length) {
      this.handle.truncate(length);
    }
  }

  /** Browsers round what they say of their quota, or say a fixed number: trying is the only way to know. */
  async room(length: number): Promise<number> {
    const before = this.handle.getSize();
    let [fits, not] = [before, length];
    while (not - fits > ROOM_STEP) {
      const middle = Math.floor((fits + not) / 2);
      try {
        this.handle.truncate(middle);
        fits = middle;
      } catch {
        not = middle;
      }
    }
    this.handle.truncate(before);
    return fits;
  }

  async flush(): Promise<void> {
    this.handle.flush();
  }

  async close(): Promise<void> {
    this.handle.close();
  }
}

class SlicedFile implements DiskFile {
  private file: File | undefined;

  constructor(private readonly handle: FileSystemFileHandle) {}

  async read(n: number, into: Uint8Array<ArrayBuffer>): Promise<number> {
    this.file ??= await this.handle.getFile();
    const bytes = await this.file.slice(n * CHUNK, n * CHUNK + into.length).arrayBuffer();
    into.set(new Uint8Array(bytes));
    return bytes.byteLength;
  }

  async size(): Promise<number> {
    return (this.file ??= await this.handle.getFile()).size;
  }

  async write(): Promise<void> {
    throw new DOMException('opened for reading', 'NoModificationAllowedError');
  }

  async reserve(): Promise<void> {}

  async flush(): Promise<void> {}

  async close(): Promise<void> {}
}

/** Opens a file to write, which one at a time may. */
function exclusively(handle: Handle): Promise<SyncHandle> {
  return persistent(['NoModificationAllowedError', 'InvalidStateError'], handle.name, () => handle.createSyncAccessHandle());
}

/**
 * Does something that fails with one of these errors as long as somebody else has the file open, or is rewriting it.
 *
 * @throws KingletError `store_busy` when that does not end.
 */
async function persistent<T>(errors: string[], name: string, work: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + BUSY_MS; ; ) {
    try {
      return await work();
    } catch (thrown) {
      if (!(thrown instanceof DOMException && errors.includes(thrown.name))) {
        throw thrown;
      }
      if (Date.now() >= end) {
        const message = `${name} in the store is in use, here or in another tab; try again when that has ended`;
        throw new KingletError('store_busy', message, { name }, { cause: thrown });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, BUSY_STEP_MS));
  }
}

async function namesIn(folder: FileSystemDirectoryHandle): Promise<string[]> {
  const names: string[] = [];
  for await (const name of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) {
    names.push(name);
  }
  return names;
}

async function remove(folder: FileSystemDirectoryHandle, name: string): Promise<void> {
  await folder.removeEntry(name).catch(absent);
}

/** What is not there is no error; everything else is. */
function absent(thrown: unknown): undefined {
  if (thrown instanceof DOMException && thrown.name === 'NotFoundError') {
    return undefined;
  }
  throw thrown;
}
