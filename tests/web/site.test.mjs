// What a release holds: the site runs below any path of a static host, alone; the checksums are true.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, missing, openPage } from './support/browser.mjs';
import { serveFolder } from './support/static.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const RELEASE = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'release-files');
const noRelease = existsSync(join(RELEASE, 'site/index.html')) ? false : 'no release: cargo xtask release';
const skip = missing() ?? noRelease;

let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(() => browser?.close());

test('the site answers below a path that it does not know', { skip }, async (t) => {
  const base = `/${randomBytes(4).toString('hex')}/sub path/`;
  const server = await serveFolder(join(RELEASE, 'site'), { base, headers: {} }); // its policy is in its <meta>
  t.after(() => server.close());
  const { page, requests, complaints, close } = await openPage(browser, encodeURI(`${server.url}?backend=cpu`));
  t.after(close);
  await page.locator('#where:visible, #error:visible').first().waitFor({ timeout: 60_000 });
  assert.equal(await page.locator('#error').isVisible(), false, await page.locator('#error').textContent());
  const ask = async (turn) => {
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    await page.locator('#log li.assistant .sure').nth(turn).waitFor({ timeout: 60_000 });
    return page.locator('#log li:last-child .text').textContent();
  };
  const answer = await ask(0);
  assert.ok(answer.length > 0);
  assert.match(await page.locator('#offline').textContent(), / 0 requests/);
  assert.deepEqual(requests.filter((url) => !url.startsWith(encodeURI(server.url))), []);
  assert.deepEqual(server.asked.filter(({ file }) => file === undefined).map(({ path }) => path), []);
  assert.deepEqual(complaints, []);
  await server.close();
  assert.equal(await ask(1), answer, 'and when its host is gone');
});

test('every file of the release has its checksum', { skip: noRelease }, () => {
  const files = readdirSync(RELEASE, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(RELEASE.length + 1));
  const lines = readFileSync(join(RELEASE, 'SHA256SUMS'), 'utf8').trimEnd().split('\n');
  const sums = new Map(lines.map((line) => line.split('  ').reverse()));
  assert.deepEqual([...sums.keys()].sort(), paths.filter((path) => path !== 'SHA256SUMS').sort());
  for (const [path, sum] of sums) {
    assert.equal(createHash('sha256').update(readFileSync(join(RELEASE, path))).digest('hex'), sum, path);
  }
  assert.equal([...sums.keys()].filter((path) => /^kinglet(-desk)?-\d.*\.tgz$/.test(path)).length, 2);
});
