// Escalation in the assistant, as a person sees it: nothing remote before it is set up, the question before something leaves, where each
// answer came from, what is kept of a key (nothing), and what the account says; against a real server of OpenAI's protocol.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { accountOf, answered, axe, backToChat, DOUBTED, HOSTILE, openAssistant, ready, remoteAt, sentenceOf, stored, summarise } from './support/bigger.mjs';
import { launch, missing, screenshotPath } from './support/browser.mjs';
import { DESK_NANO } from './support/desk.mjs';
import { startLlmFaults } from './support/faults-llm.mjs';
import { costOf, noRealServer, noRelay, realRelay, realServer } from './support/real-llm.mjs';
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

/** The same in the dark on a phone: nothing serious, and nothing sticks out. */
async function look(page, part, name) {
  const size = page.viewportSize();
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 360, height: 740 });
  assert.deepEqual(await axe(page, part), []);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, 'nothing sticks out sideways');
  await page.screenshot({ path: screenshotPath(name) });
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(size);
}

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
  await page.waitForFunction(() => document.activeElement.id === 'remote-name'); // the focus is where something is wrong
  await page.locator('#remote-baseURL-error', { hasText: 'Give an address' }).waitFor();
  await page.locator('#remote-name').fill('strong');
  await page.locator('#remote-baseURL').fill('http://example.com/v1');
  await page.locator('#remote-model').fill('large');
  await page.locator('#remote-inputPerMillion').fill('2.5');
  await page.locator('#remote-outputPerMillion').fill('10');
  await page.locator('#remote-auth').selectOption('key');
  await page.locator('#remote-key').fill(KEY);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('#remote-baseURL-error', { hasText: 'Use https' }).waitFor();
  await page.locator('#remote-baseURL').fill(llm.base('say=A%20better%20answer.'));
  assert.deepEqual(await axe(page, '#main'), []);
  await page.screenshot({ path: screenshotPath('settings-light'), fullPage: true });
  await look(page, '#main', 'settings-phone');
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
  await look(page, 'dialog.consent', 'consent-phone');
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

test('without a connection a question waits; when there is one its answer takes the first one’s place', { skip }, async (t) => {
  const context = await fresh(t);
  const set = { consent: 'free', offline: true, remotes: [remoteAt(llm.base('say=It%20came%20later.'))] };
  await context.route(`${llm.origin}/**`, (route) => route.abort('connectionrefused'));
  const { page } = await openAssistant(context, site.origin, { escalation: set });
  const count = await summarise(page, DOUBTED);
  const item = await answered(page, count);
  assert.match(await sentenceOf(item), /^● Answered on this device: the bigger model was asked and failed/);
  assert.match(await item.locator('.warning').last().innerText(), /will be asked when there is one/);
  await page.getByRole('link', { name: 'Dashboard' }).click();
  await page.locator('#queue li').waitFor();
  assert.match(await page.locator('#queue li').innerText(), /strong (waits|is being sent)/);
  assert.match(await page.locator('.held').innerText(), /could not be used|rests/);
  await backToChat(page);
  assert.equal(llm.truth.length, 0);
  await context.unroute(`${llm.origin}/**`);
  await page.evaluate(() => globalThis.dispatchEvent(new Event('online')));
  await page.getByText('A bigger model has answered a question that had waited').waitFor({ timeout: 60_000 });
  const later = page.locator('#log > li.assistant').last();
  await later.getByText('It came later.').waitFor();
  assert.match(await sentenceOf(later), /^↗ Asked \S+ at localhost:\d+ when there was a connection again, cost \$/);
  assert.match(await later.locator('.versions').innerText(), /of 2/);
  await page.getByRole('link', { name: 'Dashboard' }).click();
  await page.getByText('Nothing waits.').waitFor();
});

test('a question that waits can be cancelled', { skip }, async (t) => {
  const context = await fresh(t);
  const set = { consent: 'free', offline: true, remotes: [remoteAt(llm.base('close'))] };
  const { page } = await openAssistant(context, site.origin, { escalation: set });
  await answered(page, await summarise(page, DOUBTED));
  await page.getByRole('link', { name: 'Dashboard' }).click();
  await page.locator('#queue').getByRole('button', { name: 'Cancel' }).click();
  await page.getByText('Nothing waits.').waitFor();
});

test('on the user’s word a bigger model is asked, with the answer as a draft; thumbs are counted, and are there after a reload', { skip }, async (t) => {
  const context = await fresh(t);
  const { page, complaints } = await openAssistant(context, site.origin, { escalation: { consent: 'free', remotes: [remoteAt(llm.base('say=Bigger.'))] } });
  await page.getByRole('button', { name: 'Summarise', exact: true }).click();
  const item = await answered(page, 1);
  const here = (await item.locator('.text').innerText()).trim();
  assert.match(await sentenceOf(item), /^● Answered on this device: it was sure enough\.$/);
  await item.getByRole('button', { name: 'Right', exact: true }).click();
  await page.getByText('1 of 300 ratings').waitFor();
  await item.getByRole('button', { name: 'Wrong', exact: true }).click();
  await item.locator('.thumb[aria-label=Wrong][aria-pressed=true]').waitFor();
  await page.reload();
  await ready(page);
  await page.locator('.thumb[aria-label=Wrong][aria-pressed=true]').waitFor();
  await page.getByRole('button', { name: 'Ask the bigger model' }).click();
  await page.getByRole('button', { name: 'Ask anew' }).click();
  await page.getByText('This answer is too old for that').waitFor();

  await page.getByRole('button', { name: 'New conversation' }).first().click();
  await page.locator('#log:empty').waitFor({ state: 'attached' });
  await page.getByRole('button', { name: 'Summarise', exact: true }).click();
  await answered(page, 1);
  await page.getByRole('button', { name: 'Ask the bigger model' }).click();
  await page.getByRole('button', { name: 'Improve this answer' }).click();
  await page.locator('#log > li.assistant .text', { hasText: 'Bigger.' }).waitFor();
  const bigger = await answered(page, 1);
  assert.match(await sentenceOf(bigger), /^↗ Asked \S+ at localhost:\d+ because you asked for the bigger model, cost \$/);
  assert.equal(await bigger.locator('.thumb').count(), 0, 'of another model’s answer nothing is learnt about this device');
  assert.equal(llm.truth.length, 1);
  assert.equal(llm.truth[0].body.messages[1].content, here, 'the draft was sent');
  await bigger.getByRole('button', { name: 'Previous version' }).click();
  await page.locator('#log > li.assistant .text', { hasText: here }).waitFor();
  assert.equal((await page.locator('#log > li.assistant .text').innerText()).trim(), here);
  await page.getByRole('link', { name: 'Dashboard' }).click();
  await page.locator('#ratings', { hasText: /^1 of 300 ratings; 1 of them/ }).waitFor();
  assert.deepEqual(complaints, []);
});

test('a real server (llama.cpp) answers through the relay, with a token that is entered by hand; both accounts agree', { skip: skip || (noRealServer() ?? noRelay() ?? false) }, async (t) => {
  const context = await fresh(t);
  const real = await realServer('desk');
  t.after(() => real.close());
  const relay = await realRelay({ desk: { base: `${real.url}/v1` } }, { origins: [site.origin] });
  t.after(() => relay.close());
  const { page } = await openAssistant(context, site.origin, { escalation: { remotes: [remoteAt(`${relay.url}/v1`, { model: 'desk', auth: 'token' })] } });
  const token = await relay.token('ann');
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.locator('form.key input').fill(token);
  await page.getByRole('button', { name: 'Use it' }).click();
  await page.getByText('The new settings hold now.').waitFor();
  await page.getByRole('link', { name: 'Chat', exact: true }).click();
  const count = await summarise(page, DOUBTED);
  await dialog(page).getByRole('button', { name: 'Yes, this once' }).click();
  const item = await answered(page, count);
  assert.match(await sentenceOf(item), /^↗ Asked \S+ at localhost:\d+ because .*ran in circles, cost \$/);
  const noted = await relay.request(1);
  const { rows, summary } = await accountOf(page);
  const row = rows.find(({ source }) => source === 'remote');
  const { input_tokens: input, output_tokens: output, cached_tokens: cached } = row;
  assert.deepEqual([noted.reported, noted.cost], [true, costOf({ input, output, cached })], 'the relay counted the same, at its own prices');
  assert.equal(summary.spent.reported, Math.ceil((input * 2_500_000 + output * 10_000_000) / 1e6));
  assert.ok(!(await stored(page)).includes(token), 'the token is stored nowhere');
});

test('where only bigger models answer the one here is not fetched; who does not wait for it is answered meanwhile', { skip }, async (t) => {
  const context = await fresh(t);
  const begun = site.asked.length;
  const set = { consent: 'free', mode: 'only-remote', remotes: [remoteAt(llm.base('say=From%20afar.'))] };
  const { page, complaints } = await openAssistant(context, site.origin, { escalation: set });
  await page.locator('#prompt').fill('Hello!');
  await page.locator('#prompt').press('Enter');
  assert.match(await sentenceOf(await answered(page, 1)), /^↗ Asked \S+ at localhost:\d+ because the settings send every question/);
  assert.ok(!site.asked.slice(begun).some((path) => path.includes('.gguf')), 'no model was fetched');
  for (const view of ['Models', 'Developer', 'Dashboard']) {
    await page.getByRole('link', { name: view, exact: true }).click();
    await page.locator(`#main[data-view=${view.toLowerCase()}] h1`).waitFor();
  }
  await page.evaluate(async () => {
    const { escalationSettings } = await import('/escalation/config.js');
    escalationSettings.patch({ mode: 'prefer-local', progressive: true });
    await (await import('/services/engine.js')).reloadModel();
  });
  await page.locator('#where', { hasText: 'desk-nano' }).waitFor();
  assert.deepEqual(complaints, []);
});
