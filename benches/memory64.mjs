// node benches/memory64.mjs [RUNS]: one dot-product loop, hand-written once with 32-bit and once with 64-bit addresses, timed in
// headless Chromium in alternation. Says GB/s of each and the median ratio, for weights in the cache and in memory.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch } from '../tests/web/support/browser.mjs';

const runs = Number(process.argv[2] ?? 15);
const MIB = 1024 * 1024;
/** Bytes of weights, and how often they are read in one run. */
const CASES = [[32 * 1024, 8192], [128 * MIB, 4]];
/** Bytes of an input: weights are read in rows of this length. */
const ROW = 4096;

/** `rows` rows of weights at address ROW against one input at address 0: 16-bit integers, 32 bytes in each turn. */
const wat = (P) => `(module
  (memory (export "memory") ${P === 'i64' ? 'i64' : ''} ${(160 * MIB) / 65536})
  (func (export "run") (param $rows i32) (result i32)
    (local $w ${P}) (local $x ${P}) (local $a v128) (local $b v128)
    (local.set $w (${P}.const ${ROW}))
    (loop $row
      (local.set $x (${P}.const 0))
      (loop $turn
        (local.set $a (i32x4.add (local.get $a) (i32x4.dot_i16x8_s (v128.load (local.get $w)) (v128.load (local.get $x)))))
        (local.set $b (i32x4.add (local.get $b) (i32x4.dot_i16x8_s (v128.load offset=16 (local.get $w)) (v128.load offset=16 (local.get $x)))))
        (local.set $w (${P}.add (local.get $w) (${P}.const 32)))
        (local.set $x (${P}.add (local.get $x) (${P}.const 32)))
        (br_if $turn (${P}.lt_u (local.get $x) (${P}.const ${ROW}))))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $row (local.get $rows)))
    (i32x4.extract_lane 0 (i32x4.add (local.get $a) (local.get $b)))))`;

function assemble(P) {
  const folder = mkdtempSync(join(tmpdir(), 'kinglet-wat-'));
  try {
    const file = join(folder, 'a.wat');
    writeFileSync(file, wat(P));
    const tool = fileURLToPath(new URL('../node_modules/binaryen/bin/wasm-as', import.meta.url));
    execFileSync(process.execPath, [tool, file, '--enable-simd', '--enable-memory64', '-o', join(folder, 'a.wasm')]);
    return [...readFileSync(join(folder, 'a.wasm'))];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs on the page: milliseconds of every run, by the width of an address. */
async function measure({ modules, rows, times, runs }) {
  const all = {};
  for (const [P, bytes] of Object.entries(modules)) {
    const { instance } = await WebAssembly.instantiate(new Uint8Array(bytes));
    new Uint8Array(instance.exports.memory.buffer).fill(3); // every page is there
    all[P] = { run: instance.exports.run, ms: [], result: 0 };
  }
  for (let i = 0; i < runs + 3; i++) {
    for (const entry of Object.values(all)) {
      const before = performance.now();
      for (let j = 0; j < times; j++) entry.result = entry.run(rows);
      if (i >= 3) entry.ms.push(performance.now() - before); // the first ones are compiled meanwhile
    }
  }
  return all;
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const modules = { i32: assemble('i32'), i64: assemble('i64') };
const browser = await launch();
try {
  const page = await browser.newPage();
  for (const [bytes, times] of CASES) {
    const { i32, i64 } = await page.evaluate(measure, { modules, rows: bytes / ROW, times, runs });
    if (i32.result !== i64.result) throw new Error('the two disagree');
    const speed = (ms) => Number(((bytes * times) / median(ms) / 1e6).toFixed(1));
    const ratio = Number(median(i64.ms.map((ms, i) => ms / i32.ms[i])).toFixed(3));
    console.log(JSON.stringify({ bytes, i32_gb_per_s: speed(i32.ms), i64_gb_per_s: speed(i64.ms), time_ratio: ratio }));
  }
} finally {
  await browser.close();
}
