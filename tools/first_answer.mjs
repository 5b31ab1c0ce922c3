// How long it takes until somebody who has never seen kinglet reads its first words.
//
//     node tools/first_answer.mjs site [FOLDER]       a released site (default: target/release-files/site), in a fresh Chromium: bytes until
//                                                     the page can be used, milliseconds until the first token, cold and warm
//     node tools/first_answer.mjs clone [ADDRESS]     a fresh clone (default: of this repository) and `cargo xtask start`, step by step, and
//                                                     the second time; minutes
//
// One JSON object a line. Times are of the machine that it runs on; the browser and the host share it, so the network is not in them:
// bytes are said as they are and after gzip, as a host sends them.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { launch } from '../tests/web/support/browser.mjs';
import { serveFolder } from '../tests/web/support/static.mjs';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const LONG = 120_000;

/** Opens a page at `url` and asks with an example's button: milliseconds since the navigation until each step. */
async function visit(context, url, seen = () => undefined) {
  const page = await context.newPage();
  page.setDefaultTimeout(LONG);
  const begun = performance.now();
  const since = () => Math.round(performance.now() - begun);
  await page.goto(url);
  await page.locator('body[data-ready]').waitFor();
  const steps = { usable_ms: since() };
  seen('usable');
  await page.locator('#where[data-status=ready]').waitFor();
  steps.model_ms = since();
  seen('model');
  const first = page.locator('#log li.assistant .text', { hasText: /\S/ });
  await page.getByRole('button', { name: 'Small talk', exact: true }).click();
  await first.waitFor();
  steps.first_token_ms = since();
  return { page, steps };
}

/** Of a released site: `{cold, warm, bytes}`. */
export async function measureSite(folder) {
  const server = await serveFolder(folder, { headers: {} });
  const browser = await launch();
  try {
    const context = await browser.newContext();
    const bytes = {};
    const count = (until) => {
      const files = [...new Set(server.asked.map(({ file }) => file))].filter(Boolean).map((file) => readFileSync(file));
      const sum = (sizes) => sizes.reduce((all, size) => all + size, 0);
      bytes[until] = { files: files.length, plain: sum(files.map((file) => file.length)), gzip: sum(files.map((file) => gzipSync(file).length)) };
    };
    const { page, steps: cold } = await visit(context, server.url, count);
    await page.locator('#offline[data-status=kept]').waitFor({ timeout: LONG });
    count('kept');
    await page.close();
    const { steps: warm } = await visit(context, server.url);
    return { bytes, cold, warm };
  } finally {
    await browser.close();
    await server.close();
  }
}

/** Starts `cargo xtask start` in a clone, and asks once; milliseconds of each step. */
async function start(folder, port) {
  const begun = performance.now();
  const since = () => Math.round(performance.now() - begun);
  const child = spawn('cargo', ['xtask', 'start', '--port', String(port)], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const steps = {};
  try {
    await new Promise((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`cargo xtask start ended with ${code}`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        console.error(`${(since() / 1000).toFixed(1).padStart(7)} s  ${line}`);
        if (line.startsWith('http://')) resolve();
      });
    });
    steps.served_ms = since();
    const browser = await launch();
    const { steps: seen } = await visit(await browser.newContext(), `http://localhost:${port}/`);
    await browser.close();
    return { ...steps, ...seen, first_answer_ms: since() };
  } finally {
    process.kill(-child.pid, 'SIGTERM');
  }
}

async function measureClone(address) {
  const folder = mkdtempSync(join(tmpdir(), 'kinglet-clone-'));
  try {
    const begun = performance.now();
    const { status } = spawnSync('git', ['clone', '--quiet', address, folder], { stdio: 'inherit' });
    if (status !== 0) throw new Error(`git clone ended with ${status}`);
    const clone_ms = Math.round(performance.now() - begun);
    const first = await start(folder, 8771);
    return { clone_ms, first, second: await start(folder, 8772) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [what, where] = process.argv.slice(2);
  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target');
  if (what === 'site') console.log(JSON.stringify(await measureSite(where ?? join(target, 'release-files/site'))));
  else if (what === 'clone') console.log(JSON.stringify(await measureClone(where ?? ROOT)));
  else throw new Error('expected site or clone; the head of this file says what they do');
}
