// The origin private file system's disk without a browser: over handles that do what browsers' handles do at bad moments.
import assert from 'node:assert/strict';
import { test } from 'node:test';

const refusal = (name) => new DOMException('refused', name);

/** One file: one sync access handle at a time; `faults` says what the next calls do instead. */
class File {
  kind = 'file';
  bytes = Buffer.alloc(0);
  open = false;
  constructor(name, faults) {
    Object.assign(this, { name, faults });
  }
  async getFile() {
    const at = this.bytes;
    const { faults, name } = this;
    return {
      text: async () => {
        if (faults.unreadable?.(name)) throw refusal('NotReadableError');
        return at.toString();
      },
    };
  }
  async createSyncAccessHandle() {
    if (this.open || this.faults.locked?.(this.name)) throw refusal('NoModificationAllowedError');
    this.open = true;
    return {
      truncate: (length) => (this.bytes = Buffer.concat([this.bytes.subarray(0, length), Buffer.alloc(Math.max(0, length - this.bytes.length))])),
      write: (bytes, { at }) => {
        const taken = this.faults.short ? Math.floor(bytes.length / 2) : bytes.length;
        Buffer.from(bytes).copy(this.bytes, at, 0, taken);
        return taken;
      },
      read: (into, { at }) => this.bytes.copy(into, 0, at),
      getSize: () => this.bytes.length,
      flush: () => undefined,
      close: () => (this.open = false),
    };
  }
}

class Folder {
  entries = new Map();
  constructor(faults) {
    this.faults = faults;
  }
  get(name, create, make) {
    if (!this.entries.has(name) && !create) throw refusal('NotFoundError');
    if (!this.entries.has(name)) this.entries.set(name, make());
    return this.entries.get(name);
  }
  async getDirectoryHandle(name, { create } = {}) {
    return this.get(name, create, () => new Folder(this.faults));
  }
  async getFileHandle(name, { create } = {}) {
    return this.get(name, create, () => new File(name, this.faults));
  }
  async removeEntry(name) {
    if (!this.entries.delete(name)) throw refusal('NotFoundError');
  }
  keys() {
    return this.entries.keys();
  }
}

const faults = {};
let root = new Folder(faults);
globalThis.FileSystemFileHandle = File;
Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { storage: { getDirectory: async () => root } } });
const { Opfs } = await import('../../pkg/dist/store/opfs.js');
const { LocalLocks } = await import('../../pkg/dist/store/locks.js');
const { modelStore } = await import('../../pkg/dist/store/model-store.js');
const { Store } = await import('../../pkg/dist/store/store.js');

async function disk() {
  root = new Folder(faults);
  Object.keys(faults).forEach((name) => delete faults[name]);
  return Opfs.find();
}

/** True for the first `times` calls. */
const first = (times) => () => times-- > 0;

test('a record that was not written to its end is quota_exceeded to the caller, and the old one stays', async () => {
  const opfs = await disk();
  await opfs.writeRecord('r', 'one');
  faults.short = true;
  await assert.rejects(opfs.writeRecord('r', 'two, which is longer'), { name: 'QuotaExceededError' });
  faults.short = false;
  assert.equal(await opfs.readRecord('r'), 'one');
  await opfs.writeRecord('r', 'three');
  assert.equal(await opfs.readRecord('r'), 'three');
});

test('a file that another tab lets go of soon is waited for; one that it keeps is store_busy', async () => {
  const opfs = await disk();
  faults.locked = first(3);
  await (await opfs.openFile('f', 'write')).close();
  faults.locked = first(3);
  await opfs.writeRecord('r', 'one');
  assert.equal(await opfs.readRecord('r'), 'one');

  faults.locked = undefined;
  const open = await opfs.openFile('f', 'write');
  const began = performance.now();
  await assert.rejects(opfs.openFile('f', 'write'), { code: 'store_busy' });
  assert.ok(performance.now() - began < 5000);
  await open.close();
  await (await opfs.openFile('f', 'write')).close();
});

test('a record that is being rewritten is read again; one that stays unreadable is store_busy, never absent', async () => {
  const opfs = await disk();
  await opfs.writeRecord('r', 'one');
  await opfs.writeRecord('r', 'two');
  faults.unreadable = first(2);
  assert.equal(await opfs.readRecord('r'), 'two');
  faults.unreadable = () => true;
  await assert.rejects(opfs.readRecord('r'), { code: 'store_busy' });
});

test('a stored model goes by whatever it is loaded with; all parts of a split one are removed', async () => {
  const store = await Store.open(await disk(), new LocalLocks());
  const hub = 'https://huggingface.co/o/n/resolve';
  const split = (n) => `https://models.example/m-0000${n}-of-00003.gguf`;
  for (const model of ['hf:o/n/a/b.gguf', { repo: 'o/n', file: 'a/b.gguf' }, { url: `${hub}/main/a/b.gguf` }, new URL(`${hub}/main/a/b.gguf`), 'b.gguf']) {
    await store.create(`${hub}/main/a/b.gguf`, 'b.gguf');
    await store.create(`${hub}/other/a/c.gguf`, 'c.gguf');
    assert.deepEqual((await modelStore.inspect(model)).map(({ name, store }) => [name, store]), [['b.gguf', 'opfs']]);
    assert.equal(await modelStore.delete(model), 1);
    assert.equal(await modelStore.delete(model), 0);
    assert.equal(await modelStore.delete({ repo: 'o/n', file: 'a/c.gguf', revision: 'other' }), 1);
  }
  await store.create('https://here.example/assets/weights-1a2b.gguf', 'desk.gguf');
  assert.equal(await modelStore.delete('desk-nano'), 0);
  assert.equal(await modelStore.delete('desk'), 1);
  for (const n of [3, 1, 2]) await store.create(split(n), `part ${n}`);
  assert.deepEqual((await modelStore.inspect(split(1))).map(({ name }) => name), ['part 1', 'part 2', 'part 3']);
  assert.equal(await modelStore.delete(split(1)), 3);
  const part = (n) => `m-0000${n}-of-00002.gguf`;
  for (const n of [2, 1]) await store.create(`https://elsewhere.example/x/${part(n)}`, part(n));
  assert.deepEqual((await modelStore.inspect(part(1))).map(({ name }) => name), [part(1), part(2)]);
  assert.equal(await modelStore.delete(part(1)), 2);
  const names = [2, 1].map((n) => `mine (${n} of 2)`);
  for (const name of [...names, 'mine too (1 of 2)', 'mine (3)']) await store.create(`name:${name}`, name);
  assert.deepEqual((await modelStore.inspect('mine')).map(({ name }) => name), names.toReversed());
  assert.deepEqual((await modelStore.inspect(names[0])).map(({ name }) => name), [names[0]]);
  assert.deepEqual([await modelStore.delete('mine'), await modelStore.delete('mine too'), await modelStore.delete('mine (3)')], [2, 1, 1]);
  assert.deepEqual(await modelStore.list(), []);
  await assert.rejects(modelStore.delete('hf:nonsense'), { code: 'invalid_request' });
});
