// Escalation in the assistant, as a person sees it: nothing remote before it is set up, the question before something leaves, where each
// answer came from, what is kept of a key (nothing), and what the account says; against a real server of OpenAI's protocol.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { answered, axe, backToChat, DOUBTED, HOSTILE, openAssistant, ready, remoteAt, sentenceOf, stored, summarise } from './support/bigger.mjs';
import { launch, missing, screenshotPath } from './support/browser.mjs';
import { DESK_NANO } from './support/desk.mjs';
import { startLlmFaults } from './support/faults-llm.mjs';
import { noRealServer, realServer } from './support/real-llm.mjs';
import { fileModel, startServer } from './support/server.mjs';

const skip = missing() ?? false;
const KEY = 'sk-a-key-that-must-stay-in-memory-0123456789';
let browser, site, llm;
before(async () => {
  if (skip) return;
  site = await startServer(new Map([['desk-nano.gguf', fileModel(DESK_NANO)]]), { preset: { url: '/models/desk-nano.gguf', load: true } });
  [browser, llm] = [await launch(), await startLlmFaults()];
});
after(async () => {
  await browser?.close();
  await Promise.all([site?.close(), llm?.close()]);
});

/** A fresh profile; closed when the test ends. */
async function fresh(t, options = {}) {
  const context = await browser.newContext(options);
  t.after(() => context.close());
  llm.reset();
  return context;
}

const dialog = (page) => page.locator('dialog.consent');

/** Every message of a body, as the dialog shows them. */
const textsOf = ({ messages }) => messages.map(({ content }) => content);

test('nothing is remote before it is set up; then exactly what the dialog shows is sent, once allowed; the key is stored nowhere', { skip }, async (t) => {
  const context = await fresh(t, { viewport: { width: 1100, height: 900 } });
  const elsewhere = [];
  context.on('request', (request) => new URL(request.url()).origin === site.origin || elsewhere.push(request.url()));
  const { page, complaints } = await openAssistant(context, site.origin);
  let count = await summarise(page, DOUBTED);
  assert.match(await sentenceOf(await answered(page, count)), /^● Answered on this device: there is no bigger model that could be asked \(.*ran in circles\)\.$/);
  assert.deepEqual(elsewhere, [], 'no request went anywhere else');

  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Add a bigger model' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'remote-name', 'the focus is where something is wrong');
  assert.match(await page.locator('#remote-baseURL-error').innerText(), /Give an address/);
  await page.locator('#remote-name').fill('strong');
  await page.locator('#remote-baseURL').fill('http://example.com/v1');
  await page.locator('#remote-model').fill('large');
  await page.locator('#remote-inputPerMillion').fill('2.5');
  await page.locator('#remote-outputPerMillion').fill('10');
  await page.locator('#remote-auth').selectOption('key');
  await page.locator('#remote-key').fill(KEY);
  await page.getByRole('button', { name: 'Save' }).click();
  assert.match(await page.locator('#remote-baseURL-error').innerText(), /Use https/);
  await page.locator('#remote-baseURL').fill(llm.base('say=A%20better%20answer.'));
  assert.deepEqual(await axe(page, '#main'), []);
  await page.screenshot({ path: screenshotPath('settings-light'), fullPage: true });
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The new settings hold now.').waitFor();
  await backToChat(page);
  await page.locator('#log > li').nth(3).waitFor(); // the conversation is still there
  assert.deepEqual(elsewhere, [], 'setting it up asks nobody');

  count = await summarise(page, HOSTILE);
  await dialog(page).waitFor();
  assert.equal(llm.truth.length, 0, 'nothing is sent while the question stands');
  assert.equal(await page.evaluate(() => document.activeElement.textContent.trim()), 'No, keep it here');
  assert.deepEqual(await axe(page, 'dialog.consent'), []);
  const words = await dialog(page).locator('.facts').innerText();
  for (const expected of [new URL(llm.origin).host, 'large', 'ran in circles', 'At most $', '1 e-mail address']) assert.ok(words.includes(expected), `${expected}: ${words}`);
  assert.match(await dialog(page).locator('.leaving').innerText(), /<img src=x onerror=alert\(1\)> 3 1 4 .*Write to __EMAIL_1__\./);
  assert.equal(await dialog(page).locator('img').count(), 0, 'hostile text is text');
  await dialog(page).locator('summary').click();
  const preview = await dialog(page).locator('.preview').textContent();
  const shown = await dialog(page).locator('.leaving p > span').allTextContents();
  await page.screenshot({ path: screenshotPath('consent-light') });
  await dialog(page).getByRole('button', { name: 'Yes, this once' }).click();
  const item = await answered(page, count);
  assert.match(await item.locator('.text').innerText(), /A better answer\./);
  assert.equal(llm.truth.length, 1);
  assert.deepEqual(JSON.parse(preview), llm.truth[0].body, 'what the dialog shows is what the server got');
  assert.deepEqual(shown, textsOf(llm.truth[0].body));
  assert.ok(!JSON.stringify(llm.truth[0].body).includes('ann@example.org'));
  assert.equal(llm.truth[0].headers.authorization, `Bearer ${KEY}`);
  assert.match(await sentenceOf(item), new RegExp(`^↗ Asked \\S+ at ${new URL(llm.origin).host} because .*ran in circles, cost \\$0\\.\\d+\\.$`));
  await item.locator('.provenance summary').click();
  const details = await item.locator('.provenance .facts').innerText();
  for (const expected of ['repetition', 'without a calibration', 'Tokens', 'to the first words', 'See the log']) assert.ok(details.includes(expected), `${expected}: ${details}`);
  await item.getByRole('link', { name: 'See the log' }).click();
  await page.locator('#left tr[aria-current=true]').waitFor();
  assert.match(await page.locator('#left tr[aria-current=true]').innerText(), /you, for this once/);

  const everything = await stored(page);
  assert.ok(everything.includes('onerror=alert(1)'), 'the search finds what is stored');
  assert.ok(!everything.includes(KEY), 'the key is in no storage');
  assert.ok(!(await page.content()).includes(KEY), 'nor in the page');
  await page.reload();
  await ready(page);
  await page.getByText('Keys are never stored').waitFor();
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByText('Its key was not kept').waitFor();
  await page.locator('form.key input').fill(KEY);
  await page.getByRole('button', { name: 'Use it' }).click();
  await page.getByText('The new settings hold now.').waitFor();
  assert.ok(!(await stored(page)).includes(KEY));
  assert.deepEqual(complaints, []);
});

test('who refuses sends nothing, by the button, by Esc, and where the question loses its meaning', { skip }, async (t) => {
  const context = await fresh(t);
  const { page, complaints } = await openAssistant(context, site.origin, { escalation: { remotes: [remoteAt(llm.base())] } });
  const refusals = [
    () => dialog(page).getByRole('button', { name: 'No, keep it here' }).click(),
    () => page.keyboard.press('Escape'),
    () => page.evaluate(async () => (await import('/services/engine.js')).engine.value.kinglet.consents.revoke()),
  ];
  for (const refuse of refusals) {
    const count = await summarise(page, DOUBTED);
    await dialog(page).waitFor();
    await refuse();
    await dialog(page).waitFor({ state: 'detached' });
    assert.match(await sentenceOf(await answered(page, count)), /^● Kept here: you did not agree to send it/);
  }
  assert.equal(llm.truth.length, 0);
  assert.deepEqual(complaints, []);
});

test('several questions come one after the other; "until this page closes" is asked once, and can be taken back', { skip }, async (t) => {
  const context = await fresh(t);
  const { page } = await openAssistant(context, site.origin, { escalation: { remotes: [remoteAt(llm.base())] } });
  await page.evaluate(async () => {
    const { askUser } = await import('/escalation/consent.js');
    const request = (host) => ({ remote: 'r', host, model: 'm', reason: 'low_confidence', preview: '{"messages":[]}', redacted: true, entities: {}, cost: null, currency: 'USD', signal: new AbortController().signal });
    globalThis.answers = Promise.all([askUser(request('first.example')), askUser(request('second.example'))]);
  });
  await page.getByRole('heading', { name: 'Send this to first.example?' }).waitFor();
  assert.equal(await dialog(page).count(), 1);
  await dialog(page).getByRole('button', { name: 'Yes, until' }).click();
  await page.getByRole('heading', { name: 'Send this to second.example?' }).waitFor();
  await page.keyboard.press('Escape');
  assert.deepEqual(await page.evaluate(() => globalThis.answers), ['session', 'no']);

  let count = await summarise(page, DOUBTED);
  await dialog(page).getByRole('button', { name: 'Yes, until' }).click();
  await answered(page, count);
  count = await summarise(page, DOUBTED);
  assert.match(await sentenceOf(await answered(page, count)), /^↗ Asked/);
  assert.equal(llm.truth.length, 2);
  await page.getByRole('link', { name: 'Dashboard' }).click();
  await page.getByRole('button', { name: 'Take back' }).click();
  await backToChat(page);
  count = await summarise(page, DOUBTED);
  await dialog(page).waitFor();
  await page.keyboard.press('Escape');
  await answered(page, count);
  assert.equal(llm.truth.length, 2);
});
