// What the store needs of a place that keeps bytes: small records that are replaced as a whole, and large files in chunks.

import { BLOCK, CHUNK } from './window.js';

/** A place that keeps bytes. Names are short and plain: letters, digits, `-`. */
export interface Disk {
  readonly kind: 'opfs' | 'indexeddb' | 'memory';
  /** False: this thread may read and remove, but not write. */
  readonly writable: boolean;
  /** Names of all records. */
  records(): Promise<string[]>;
  /** Undefined: there is none, or it was never written completely. */
  readRecord(name: string): Promise<string | undefined>;
  /** Replaces a record: after any interruption it is the old one or the new one. */
  writeRecord(name: string, text: string): Promise<void>;
  removeRecord(name: string): Promise<void>;
  /** Names of all files. */
  files(): Promise<string[]>;
  /** Opens a file; for writing, it is made. Undefined: there is none to read. */
  openFile(name: string, mode: 'read' | 'write'): Promise<DiskFile | undefined>;
  removeFile(name: string): Promise<void>;
  /** Ends what is held open for this session, where there is such a thing. */
  close?(): void;
}

/** One open file. */
export interface DiskFile {
  /** How much is best read at a time, where that is less than a chunk. */
  readonly block?: number;
  /** Fills `into` with the beginning of chunk `n`, or with what follows `from` in it where there is a `block`; returns how many bytes there were. */
  read(n: number, into: Uint8Array<ArrayBuffer>, from?: number): Promise<number>;
  /** Writes chunk `n`, or the beginning of it; the bytes before `from` are there already. */
  write(n: number, bytes: Uint8Array<ArrayBuffer>, from?: number): Promise<void>;
  /** Such a beginning is written again as a whole whenever it grows: that is worth it only now and then. */
  readonly rewrites?: boolean;
  /** Bytes from the beginning to the last one that is there, where that is quickly found out. */
  size?(): Promise<number>;
  /** Takes the room for so many bytes now, where the disk can. */
  reserve(length: number): Promise<void>;
  /** After `reserve(length)` has failed: for how many there would have been room, where that can be found out. */
  room?(length: number): Promise<number>;
  /** What was written survives from now on. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

/** A disk in memory: for tests, and to see what a disk has to do. `room` bytes at most. */
export class MemoryDisk implements Disk {
  readonly kind = 'memory';
  readonly text = new Map<string, string>();
  readonly data = new Map<string, Map<number, Uint8Array<ArrayBuffer>>>();

  constructor(
    readonly writable = true,
    public room = Infinity,
  ) {}

  /** Bytes of all chunks. */
  get used(): number {
    const chunks = [...this.data.values()].flatMap((file) => [...file.values()]);
    return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  async records(): Promise<string[]> {
    return [...this.text.keys()];
  }

  async readRecord(name: string): Promise<string | undefined> {
    return this.text.get(name);
  }

  async writeRecord(name: string, text: string): Promise<void> {
    this.text.set(name, text);
  }

  async removeRecord(name: string): Promise<void> {
    this.text.delete(name);
  }

  async files(): Promise<string[]> {
    return [...this.data.keys()];
  }

  async openFile(name: string, mode: 'read' | 'write'): Promise<DiskFile | undefined> {
    if (mode === 'write' && !this.data.has(name)) {
      this.data.set(name, new Map());
    }
    const chunks = this.data.get(name);
    let open = true;
    const check = () => {
      if (!open) {
        throw new DOMException('the file is closed', 'InvalidStateError');
      }
    };
    return chunks && {
      block: BLOCK,
      read: async (n, into, from = 0) => {
        check();
        const bytes = chunks.get(n)?.subarray(from, from + into.length) ?? new Uint8Array();
        into.set(bytes);
        return bytes.length;
      },
      write: async (n, bytes) => {
        check();
        if (this.used - (chunks.get(n)?.length ?? 0) + bytes.length > this.room) {
          throw new DOMException('the disk is full', 'QuotaExceededError');
        }
        chunks.set(n, bytes.slice());
      },
      size: async () => Math.max(0, ...[...chunks].map(([n, bytes]) => n * CHUNK + bytes.length)),
      reserve: async () => undefined,
      flush: async () => check(),
      close: async () => {
        open = false;
      },
    };
  }

  async removeFile(name: string): Promise<void> {
    this.data.delete(name);
  }
}
