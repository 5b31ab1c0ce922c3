// What a release holds: the site runs below any path of a static host, alone; the checksums are true; and the workflow that
// would publish it calls only what exists.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
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

const WORKFLOWS = join(ROOT, '.github/workflows');
for (const name of readdirSync(WORKFLOWS)) {
  const text = readFileSync(join(WORKFLOWS, name), 'utf8');
  const workflow = parse(text);
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);
  const scripts = steps.flatMap(({ run }) => (run === undefined ? [] : run.split('\n').filter((line) => line.trim() !== '')));

  test(`${name}: a workflow that calls what exists`, () => {
    for (const [id, job] of Object.entries(workflow.jobs)) {
      assert.ok(job['runs-on'] && job.steps.length > 0, id);
      for (const needed of [job.needs ?? []].flat()) assert.ok(needed in workflow.jobs, `${id} needs ${needed}`);
    }
    for (const step of steps) {
      assert.equal(['run', 'uses'].filter((key) => key in step).length, 1, JSON.stringify(step));
      if (step.uses) assert.match(step.uses, /^actions\/[a-z-]+@v\d+$/);
    }
    const usage = readFileSync(join(ROOT, 'xtask/src/main.rs'), 'utf8');
    const calls = scripts.flatMap((line) => [...line.matchAll(/cargo xtask ([a-z-]+)([^&|;]*)/g)]);
    assert.ok(calls.length > 0);
    for (const [, command, rest] of calls) {
      const line = usage.split('\n').find((line) => line.startsWith(`cargo xtask ${command} `));
      assert.ok(line, `cargo xtask ${command}`);
      for (const [flag] of rest.matchAll(/--[a-z-]+/g)) assert.ok(line.includes(flag), `cargo xtask ${command} ${flag}`);
    }
    for (const line of scripts) execFileSync('bash', ['-n', '-c', line]);
    const known = spawnSync('npm', [], { encoding: 'utf8' }).stdout.match(/[a-z-]+/g); // its usage, and an exit code of 1
    for (const [, command] of scripts.flatMap((line) => [...line.matchAll(/\bnpm ([a-z]+)/g)])) {
      assert.ok(known.includes(command), `npm ${command}`);
    }
  });

  test(`${name}: publishes both tarballs with provenance, by a tag, and shows no secret`, () => {
    assert.deepEqual(workflow.on, { push: { tags: ['v*'] } });
    assert.deepEqual(workflow.permissions, { contents: 'read' });
    const published = steps.filter(({ run }) => run?.startsWith('npm publish '));
    assert.equal(published.length, 2);
    for (const { run, env } of published) {
      assert.match(run, / --provenance --access=public \.\/release-files\//);
      assert.deepEqual(env, { NODE_AUTH_TOKEN: '${{ secrets.NPM_TOKEN }}' });
    }
    // Globs that name one tarball each.
    const globs = published.map(({ run }) => new RegExp(`^${run.split('/').at(-1).replaceAll('.', '\\.').replaceAll('*', '.*')}$`));
    for (const tarball of ['kinglet-0.1.0.tgz', 'kinglet-desk-0.1.0.tgz']) {
      assert.equal(globs.filter((glob) => glob.test(tarball)).length, 1, tarball);
    }
    const job = workflow.jobs.publish;
    assert.deepEqual(job.permissions, { contents: 'write', 'id-token': 'write' });
    assert.ok(!scripts.some((line) => line.includes('secrets.')), 'secrets reach a script by its environment only');
  });
}
