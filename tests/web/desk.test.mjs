// The default page in headless Chromium: the project's own model is there at once, does each of its tasks without a
// network, and the page's count of requests is true.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, missing, openPage, shared as sharedData } from './support/browser.mjs';
import { answered, errorCode, errors, load, log, settled } from './support/assistant.mjs';
import { deskServer, noDesk } from './support/desk.mjs';
import { startServer } from './support/server.mjs';
import { drawn, eventually } from './support/wait.mjs';

const noBrowser = missing() ?? false;
const skip = missing() ?? noDesk() ?? false;
const golden = (name) => fileURLToPath(new URL(`../goldens/${name}.gguf`, import.meta.url));
const SCREENSHOT = fileURLToPath(new URL('../../target/desk-page.png', import.meta.url));

let browser;
before(async () => {
  if (!noBrowser) browser = await launch();
});
after(() => browser?.close());

/** The default page with its model loaded on the processor. */
async function deskPage(server, options) {
  const opened = await openPage(browser, `${server.origin}/?backend=cpu`, options);
  await settled(opened.page);
  assert.deepEqual(await errors(opened.page), []);
  return opened;
}

/** Runs the example of a task; resolves to its answer. */
async function example(page, name) {
  const turns = await page.locator('#log > li.assistant').count();
  await page.getByRole('button', { name, exact: true }).click();
  const text = await answered(page, turns + 1);
  await page.locator('#log > li:last-child .sure').waitFor();
  return text;
}

/** What the bar above says of requests. */
async function requests(page) {
  const details = page.locator('#offline');
  if (!(await details.evaluate((element) => element.open))) await details.locator('summary').click();
  await page.evaluate(async () => (await import('/services/requests.js')).recount());
  await drawn(page);
  return details.locator('.panel').textContent();
}

/** What the answer to each example must be. */
const EXPECTED = {
  Classify: (text) => assert.equal(text, 'where is my order'),
  Extract: (text) => assert.deepEqual(JSON.parse(text), { 'order number': '48213', name: 'Ann Li', city: 'Leeds' }),
  Answer: (text) => assert.match(text, /five working days/i),
  Summarise: (text) => {
    assert.match(text, /kettle/i);
    assert.match(text, /stopped working|broken/i);
    assert.match(text, /replacement|new one/i);
    assert.ok(text.length > 15 && text.length < 120, text);
  },
  Filter: (text) => assert.equal(text, 'hold'),
  'Small talk': (text) => {
    assert.match(text, /^[A-Z][^{}]+[.!?]$/);
    assert.doesNotMatch(text, /beyond me/);
  },
  'Beyond me': (text) => assert.match(text, /beyond me|can't help with that|more than I can do/),
};

test('the project\'s own model is there at once, from this origin only', { skip }, async () => {
  const server = await deskServer();
  const { page, requests: made, complaints, close } = await deskPage(server);
  assert.match(await page.locator('#label').textContent(), /small task model of 6 million parameters that runs on this device, not a\s+general\s+assistant/);
  assert.match(await page.locator('#where').textContent(), /^desk.* · Processor$/);
  assert.match(await requests(page), /Nothing has left this device: 0 requests since the model was loaded, besides/);
  assert.deepEqual(made.filter((url) => new URL(url).origin !== server.origin), []);
  assert.deepEqual(complaints, []);
  await close();
  await server.close();
});

test('without a network: every task\'s example runs, and says how sure the model was', { skip }, async () => {
  const server = await deskServer();
  const { page, requests: made, complaints, close } = await deskPage(server, { viewport: { width: 1000, height: 1000 } });
  await page.context().setOffline(true);
  await server.close();
  const before = made.length;
  for (const name of Object.keys(EXPECTED)) {
    const text = await example(page, name);
    assert.ok(text.length > 0 && text === text.trim(), `no space before or after: ${JSON.stringify(text)}`);
    const sure = await page.locator('#log > li:last-child .sure').textContent();
    assert.match(sure.trim(), /^(sure|fairly sure|in doubt) \d+ % on average, \d+ % at the least sure token$/);
  }
  // A browser may look for the page's icon once more when the address gets a conversation: that is kept by every other host.
  assert.deepEqual(made.slice(before).filter((url) => !url.endsWith('/icon.svg')), []);
  assert.match(await requests(page), /Nothing has left this device: 0 requests/);
  assert.deepEqual(complaints.filter((line) => !line.endsWith('/icon.svg')), []);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(overflow, 0, 'nothing sticks out sideways');
  await page.screenshot({ path: SCREENSHOT, fullPage: true });
  await close();
});

const clinc = sharedData('intents/clinc150_train_val.json');
const asNatively = JSON.parse(readFileSync(fileURLToPath(new URL('../goldens/clinc-100.json', import.meta.url)), 'utf8'));
/** As natively (tests/it/clinc.rs): sums are in another order, and the golden has six digits. */
const TOLERANCE = 1e-3;

test('a hundred rows of CLINC150 have the labels and the doubt that they have natively', { skip: skip || (clinc ? false : 'no shared data') }, async (t) => {
  const server = await deskServer();
  const { page, close } = await openPage(browser, server.origin);
  const texts = JSON.parse(readFileSync(clinc, 'utf8'));
  const rows = asNatively.rows.map(({ side, at }) => texts[side][at][0]);
  const { found, binding } = await page.evaluate(
    async ({ rows, labels }) => {
      const { createKinglet } = await import('/pkg/dist/index.js');
      const desk = await createKinglet({ model: '/models/desk.gguf', backend: 'cpu' });
      const found = [];
      for (const text of rows) {
        const { label, kinglet } = await desk.classify(text, labels, { none: true });
        found.push({ label: label ?? 'none of these', signals: kinglet.signals });
      }
      return { found, binding: desk.info.binding };
    },
    { rows, labels: asNatively.labels },
  );
  await close();
  await server.close();
  let worst = 0;
  for (const [i, want] of asNatively.rows.entries()) {
    const { label, signals } = found[i];
    assert.equal(label, want.label, rows[i]);
    for (const name of ['label_max', 'label_margin', 'label_mass', 'label_none', 'prompt_tokens']) {
      const off = Math.abs(signals[name] - want[name]);
      worst = Math.max(worst, off);
      assert.ok(off <= TOLERANCE, `${rows[i]}: ${name} is ${signals[name]}, not ${want[name]}`);
    }
  }
  t.diagnostic(`largest difference ${worst.toExponential(1)}`);
  assert.equal(found.length, 100);
  const identity = JSON.parse(readFileSync(fileURLToPath(new URL('../goldens/identity.json', import.meta.url)), 'utf8'));
  assert.deepEqual(binding, identity.desk, 'a calibration that was made natively fits');
});

// On one page, one after the other.
let shared;
after(async () => {
  await shared?.close();
  await shared?.server.close();
});
for (const [name, check] of Object.entries(EXPECTED)) {
  test(`the example "${name}" is answered correctly`, { skip }, async () => {
    const server = shared?.server ?? (await deskServer());
    shared ??= { ...(await deskPage(server)), server };
    check(await example(shared.page, name));
  });
}

test('the parts of a task are plain fields, and go into the prompt', { skip }, async () => {
  const server = await deskServer();
  const { page, close } = await deskPage(server);
  await example(page, 'Classify');
  await page.getByLabel('Labels, separated by commas').fill('praise,  complaint');
  await page.getByLabel('Message', { exact: true }).fill('Thank you,\nthe lamp is lovely.');
  await page.locator('#prompt').press('Enter');
  await answered(page, 2);
  assert.equal((await log(page))[2], 'classify: praise, complaint\nmessage: Thank you, the lamp is lovely.');
  await page.getByRole('button', { name: 'Answer', exact: true }).click();
  await page.getByRole('button', { name: 'Answer', exact: true, pressed: true }).waitFor();
  await page.getByLabel('Question').waitFor();
  await answered(page, 3);
  await close();
  await server.close();
});

test('requests are counted: those of the page, and those of the engine\'s worker', { skip }, async () => {
  const spy = "\naddEventListener('message', ({ data }) => data.call === 'start' && fetch('/icon.svg?worker').then((response) => response.text()));";
  const server = await deskServer({ scripts: new Map([['/pkg/dist/worker.js', spy]]) });
  const { page, close } = await deskPage(server);
  assert.match(await requests(page), /: 0 requests/);
  await page.evaluate(() => fetch('/icon.svg?page').then((response) => response.text()));
  assert.match(await eventually(() => requests(page), (said) => / 1 request /.test(said)), / 1 request since the model was loaded/);
  assert.doesNotMatch(await requests(page), /Nothing has left/);
  await example(page, 'Filter');
  assert.match(await eventually(() => requests(page), (said) => / 2 requests/.test(said)), / 2 requests/);
  await page.evaluate(async () => (await import('/services/engine.js')).reloadModel());
  assert.match(await requests(page), / 0 requests since the model was loaded.* Before that, since the page was opened: 1\./);
  assert.doesNotMatch(await requests(page), /Nothing has left/);
  await close();
  await server.close();
});

test('another file can be chosen instead', { skip }, async () => {
  const server = await deskServer();
  const { page, close } = await deskPage(server);
  await page.getByRole('link', { name: 'choose another model' }).click();
  await page.locator('#main[data-view="models"]').waitFor();
  await load(page, { files: [golden('llama3')] });
  await page.locator('#prompt-label', { hasText: 'Text to continue' }).waitFor({ state: 'attached' });
  assert.equal(await page.locator('#label').count(), 0);
  assert.equal(await page.locator('#tasks').count(), 0);
  assert.equal(await page.locator('#part').count(), 0);
  assert.match(await requests(page), /requests? since the model was loaded/);
  await close();
  await server.close();
});

test('without the weights the page says so, and takes another file', { skip: noBrowser }, async () => {
  const server = await startServer(new Map(), { preset: { url: null, missing: 'models/desk/desk.gguf' } });
  const { page, complaints, close } = await openPage(browser, server.origin);
  assert.match(await page.locator('#missing').textContent(), /models\/desk\/desk\.gguf, the project’s own model, is not there/);
  await page.getByRole('link', { name: 'Choose a model' }).click();
  await load(page, { files: [golden('llama3')] });
  assert.deepEqual(await errors(page), []);
  assert.equal(await page.locator('#missing').count(), 0);
  assert.deepEqual(complaints, []);
  await close();
  await server.close();
});

test('weights that vanish are an error in words', { skip: noBrowser }, async () => {
  const server = await startServer(new Map(), { preset: { url: '/models/desk.gguf', load: true } });
  const { page, close } = await openPage(browser, server.origin);
  await page.locator('#error').waitFor();
  assert.equal(await errorCode(page), 'http');
  assert.equal(await page.getByRole('link', { name: 'Choose a model' }).isVisible(), true);
  await close();
  await server.close();
});
