// www/bench.html in Chromium, with the real wllama: what it says is what was measured, a wrong answer is never timed, and without
// the other engine kinglet runs alone.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, missing, openPage, screenshotPath } from './support/browser.mjs';
import { DESK_NANO, deskServer, noDesk } from './support/desk.mjs';
import { fileModel } from './support/server.mjs';
import { problems } from './support/axe.mjs';

const skip = missing() ?? noDesk() ?? false;
const PEER = fileURLToPath(new URL('../../node_modules/@wllama/wllama/package.json', import.meta.url));

let server;
let browser;
before(async () => {
  if (skip) return;
  server = await deskServer();
  server.models.set('desk-nano.gguf', fileModel(DESK_NANO));
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** The page, with something else at some addresses: `route` as Playwright has it. */
async function openWith(pattern, route) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.route(pattern, route);
  await page.goto(`${server.origin}/bench.html`);
  await page.locator('body[data-ready]').waitFor();
  return { page, close: () => context.close() };
}

/** Fills in the form with little, and starts. */
async function begin(page, { rounds = 1, long = 0, tokens = 8 } = {}) {
  await page.getByLabel('Address of a GGUF file').fill('models/desk-nano.gguf');
  await page.getByLabel('Rounds').fill(String(rounds));
  await page.getByLabel('Tokens of an answer').fill(String(tokens));
  await page.getByLabel('Tokens of the long prompt').fill(String(long));
  await page.getByRole('button', { name: 'Start' }).click();
}

const done = (page) => page.locator('#results, .problem').first().waitFor({ timeout: 60_000 });
const json = async (page) => JSON.parse(await page.locator('#json').textContent());

test('both engines, turn by turn: validated, timed, and all of it in the report', { skip }, async () => {
  assert.ok(existsSync(PEER), 'wllama is a development dependency and must be installed (npm ci)');
  const { page, complaints, close } = await openPage(browser, `${server.origin}/bench.html`);
  await begin(page, { rounds: 2, long: 48 });
  await done(page);
  const made = await json(page);
  assert.equal(made.report, 'kinglet bench 1');
  assert.deepEqual([made.peer, made.versions.wllama], ['wllama', JSON.parse(readFileSync(PEER, 'utf8')).version]);
  assert.equal(made.versions.kinglet, JSON.parse(readFileSync(new URL('../../pkg/package.json', import.meta.url), 'utf8')).version);
  const bytes = readFileSync(DESK_NANO);
  assert.deepEqual(made.file, { name: 'desk-nano.gguf', bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  assert.deepEqual([made.browser.isolated, made.stopped, made.problem], [true, false, null]);
  assert.equal(made.info.kinglet.backend, 'cpu');
  assert.ok(made.memory.kinglet.wasm_memory > bytes.length);
  assert.ok(made.load_ms.kinglet > 0 && made.load_ms.wllama > 0);
  const { validation } = made;
  assert.ok(validation.compared >= 40 && validation.mean < 0.06, JSON.stringify(validation));
  assert.deepEqual(made.cases.map((one) => [one.prompt_tokens, one.rounds.length]), [[16, 2], [48, 2]]);
  for (const { prompt_tokens, rounds, ...all } of made.cases) {
    for (const { kinglet, wllama } of rounds) {
      assert.equal(kinglet.prompt_tokens, wllama.prompt_tokens, 'the same prompt');
      assert.ok(kinglet.prompt_tokens >= prompt_tokens && kinglet.prompt_tokens <= prompt_tokens + 8, `${kinglet.prompt_tokens} of ${prompt_tokens}`);
      assert.ok(kinglet.completion_tokens >= 3 && kinglet.completion_tokens <= 8);
      assert.ok(kinglet.first_token_ms > 0 && wllama.decode_tokens_per_s > 0);
    }
    for (const key of ['decode_tokens_per_s', 'prefill_tokens_per_s', 'first_token_ms']) {
      const ratios = rounds.map(({ kinglet, wllama }) => kinglet[key] / wllama[key]);
      assert.equal(all[key].ratio.median, (ratios[0] + ratios[1]) / 2, key);
      assert.equal(all[key].ratio_interval_95, null, 'two rounds say nothing of how sure that is');
    }
  }
  assert.match(await page.locator('#results').innerText(), /too few rounds/);
  assert.deepEqual(await problems(page), []);
  assert.deepEqual(complaints, []);
  await page.screenshot({ path: screenshotPath('bench'), fullPage: true });
  await close();
});

test('who computes something else is not timed', { skip }, async () => {
  const { page, close } = await openWith('**/bench/engines.js', async (route) => {
    const response = await route.fetch();
    const text = await response.text();
    const request = 'const request = { prompt, max_tokens: n, temperature: 0, stream: true';
    assert.ok(text.includes(request));
    await route.fulfill({ response, body: text.replace(request, request.replace('prompt,', "prompt: `${prompt.replace(/^../, 'ab')}`,")) });
  });
  await begin(page);
  await done(page);
  assert.match(await page.locator('#results .problem').innerText(), /Nothing was timed/);
  const made = await json(page);
  assert.ok(made.problem.length > 0 && made.validation.problem === made.problem);
  assert.deepEqual(made.cases, []);
  await close();
});

test('a site without the other engine runs kinglet alone, and can be stopped', { skip }, async () => {
  const { page, close } = await openWith('**/peers/**', (route) => route.fulfill({ status: 404 }));
  assert.match(await page.locator('#alone').innerText(), /does not include the other engine/);
  await begin(page, { rounds: 99, tokens: 200 }); // long enough to be stopped
  await page.locator('#progress', { hasText: /round ([2-9]|\d\d) of 99/ }).waitFor({ timeout: 60_000 });
  await page.getByRole('button', { name: 'Stop' }).click();
  await done(page);
  assert.equal(await page.locator('.problem').count(), 0, await page.locator('main').innerText());
  const made = await json(page);
  assert.deepEqual([made.stopped, made.versions.wllama, made.validation], [true, null, null]);
  const [{ rounds, decode_tokens_per_s: decode }] = made.cases;
  assert.ok(rounds.length >= 1 && rounds.length < 99, `${rounds.length} rounds`);
  assert.deepEqual([decode.kinglet.n, decode.ratio], [rounds.length, null]);
  assert.ok(rounds.every(({ wllama }) => wllama === undefined));
  await close();
});
