// Settings of bigger models in the assistant: they hold in every tab as soon as one has them, and a key goes to no server but its own.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { answered, DOUBTED, openAssistant, ready, remoteAt, sentenceOf, summarise } from './support/bigger.mjs';
import { launch, missing } from './support/browser.mjs';
import { DESK_NANO } from './support/desk.mjs';
import { startLlmFaults } from './support/faults-llm.mjs';
import { fileModel, startServer } from './support/server.mjs';

const skip = missing() ?? false;
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

async function fresh(t) {
  const context = await browser.newContext();
  t.after(() => context.close());
  llm.reset();
  return context;
}

test('what one tab forbids is forbidden in the other: its next question stays there, and a bound that was cleared stays cleared', { skip }, async (t) => {
  const context = await fresh(t);
  const set = { consent: 'free', perMonth: 5_000_000, remotes: [remoteAt(llm.base('say=It%20left.'))] };
  const { page: other, complaints } = await openAssistant(context, site.origin, { escalation: set });
  const { page } = await openAssistant(context, site.origin, { path: '/#/settings' });
  await page.locator('#policy-consent').selectOption('never');
  await page.locator('#policy-perMonth').fill('');
  await page.getByRole('button', { name: 'Apply' }).click();
  // Both are said for some seconds only.
  const said = other.getByText('Settings were changed in another tab. The new settings hold now.').waitFor();
  await Promise.all([page.getByText('The new settings hold now.').waitFor(), said]);
  await other.bringToFront();
  const count = await summarise(other, DOUBTED);
  assert.match(await sentenceOf(await answered(other, count)), /^● Kept here: a label forbids/);
  assert.equal(llm.truth.length, 0);
  for (const tab of [page, other]) {
    const now = await tab.evaluate(async () => (await import('/escalation/config.js')).escalationSettings.value);
    assert.deepEqual([now.consent, now.perMonth, now.remotes.length], ['never', undefined, 1]);
  }
  assert.deepEqual(complaints, []);
});

test('between a change and the load that follows it nothing leaves, also where nobody was to be asked', { skip }, async (t) => {
  const context = await fresh(t);
  const { page } = await openAssistant(context, site.origin, { escalation: { consent: 'free', remotes: [remoteAt(llm.base('say=It%20left.'))] } });
  await page.evaluate(async () => (await import('/escalation/config.js')).escalationSettings.patch({ consent: 'never' }));
  const count = await summarise(page, DOUBTED);
  assert.match(await sentenceOf(await answered(page, count)), /^● .*ran in circles/);
  assert.equal(llm.truth.length, 0);
});

test('a key stays with the server that it was entered for: under another address it is asked for again', { skip }, async (t) => {
  const context = await fresh(t);
  const second = await startLlmFaults();
  t.after(() => second.close());
  const { page } = await openAssistant(context, site.origin, { path: '/#/settings', escalation: { consent: 'free', remotes: [remoteAt(llm.base('say=one.'), { auth: 'key' })] } });
  await page.locator('form.key input').fill('sk-of-the-first-0123456789');
  await page.getByRole('button', { name: 'Use it' }).click();
  await page.getByText('The new settings hold now.').waitFor();
  const change = async (baseURL) => {
    await page.getByRole('button', { name: 'Change strong' }).click();
    await page.locator('#remote-baseURL').fill(baseURL);
    await page.getByRole('button', { name: 'Save' }).click();
  };
  await change(second.base('say=two.'));
  await page.locator('#remote-key-error', { hasText: 'belongs to another server' }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'remote-key');
  await page.getByRole('button', { name: 'Cancel' }).click();
  // The same by another tab, with nobody here to enter anything.
  const { page: other } = await openAssistant(context, site.origin);
  const at = (baseURL) => other.evaluate(async (baseURL) => {
    const { escalationSettings } = await import('/escalation/config.js');
    escalationSettings.patch({ remotes: [{ ...escalationSettings.value.remotes[0], baseURL }] });
  }, baseURL);
  await at(second.base('say=two.'));
  await page.getByText('Its key was not kept').waitFor();
  await at(llm.base('say=one.'));
  await page.locator('.address', { hasText: llm.origin }).waitFor();
  assert.equal(await page.getByText('Its key was not kept').count(), 1, 'it does not come back either');
  await ready(page);
  await page.getByRole('link', { name: 'Chat', exact: true }).click();
  await answered(page, await summarise(page, DOUBTED));
  assert.deepEqual([llm.truth.length, second.truth.length], [0, 0]);
});

test('an answer is shown in the currency that it was paid in, also after another was chosen', { skip }, async (t) => {
  const context = await fresh(t);
  const { page } = await openAssistant(context, site.origin, { escalation: { consent: 'free', remotes: [remoteAt(llm.base('say=x.'))] } });
  const item = await answered(page, await summarise(page, DOUBTED));
  assert.match(await sentenceOf(item), /, cost \$0\.\d+\.$/);
  await page.evaluate(async () => (await import('/escalation/config.js')).escalationSettings.patch({ currency: 'JPY' }));
  await page.reload();
  await ready(page);
  await page.locator('.provenance[data-source=remote]').waitFor();
  assert.match(await sentenceOf(page.locator('#log > li.assistant').last()), /, cost \$0\.\d+\.$/);
});

test('each load of the model lets go of the databases of the one before', { skip }, async (t) => {
  const context = await fresh(t);
  await context.addInitScript(() => {
    const open = (globalThis.openDatabases = new Set());
    const { open: opens } = IDBFactory.prototype;
    IDBFactory.prototype.open = function (...given) {
      const request = opens.apply(this, given);
      request.addEventListener('success', () => open.add(request.result));
      return request;
    };
    const { close } = IDBDatabase.prototype;
    IDBDatabase.prototype.close = function () {
      open.delete(this);
      close.call(this);
    };
  });
  const { page } = await openAssistant(context, site.origin);
  const before = await page.evaluate(async () => {
    await (await import('/escalation/thumbs.js')).lookUp(); // what was rated
    return globalThis.openDatabases.size;
  });
  assert.ok(before >= 3, `${before} are open: the account, the log, the ratings`);
  await page.evaluate(async () => {
    const { reloadModel } = await import('/services/engine.js');
    for (let i = 0; i < 3; i += 1) await reloadModel();
  });
  await page.waitForFunction((before) => globalThis.openDatabases.size <= before, before);
});
