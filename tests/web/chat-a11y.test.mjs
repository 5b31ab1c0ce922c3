// axe finds nothing serious in the conversation and the settings: light and dark, on a phone and on a desk.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { anew, scripted, send, view } from './support/assistant.mjs';
import { launch, missing, openPage, screenshotPath } from './support/browser.mjs';
import { startServer } from './support/server.mjs';

const skip = missing() ?? false;
const AXE = readFileSync(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
let server;
let browser;
before(async () => {
  if (skip) return;
  server = await startServer();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Serious and critical findings, each with the elements. */
const findings = (page) =>
  page.evaluate(async () => {
    const { violations } = await axe.run(document, { resultTypes: ['violations'] });
    return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact)).map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
  });

const ANSWER = '# Title\n\nA [link](https://example.com) and `code`:\n\n```js\nlet a = 1;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted\n\n- one\n- two';

for (const [width, height] of [[360, 740], [1280, 800]]) {
  test(`${width} px wide: nothing serious, light and dark; an unlabelled field would be found`, { skip }, async () => {
    const { page, complaints, close } = await openPage(browser, server.origin, { viewport: { width, height } });
    await page.evaluate(AXE);
    const states = [];
    const look = async (name) => {
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme });
        states.push(...(await findings(page)).map((found) => `${name}, ${colorScheme}: ${found}`));
        await page.screenshot({ path: screenshotPath(`chat-${name}-${width}-${colorScheme}`) });
      }
    };
    await look('empty');
    await scripted(page, { model: 'desk' });
    await look('desk');
    await scripted(page);
    await send(page, 'A question');
    await page.evaluate((answer) => (scripted.answer = () => [answer]), ANSWER);
    await send(page, 'Another one');
    await page.getByRole('button', { name: 'Regenerate' }).last().click();
    await page.locator('#log .versions').waitFor();
    await page.evaluate(() => (scripted.answer = () => { throw Object.assign(new Error('it failed'), { code: 'worker_failed' }); }));
    await send(page, 'And one that fails');
    await look('conversation');
    await page.getByRole('button', { name: 'Edit' }).first().click();
    if (width < 500) await page.getByRole('button', { name: 'Conversations' }).click();
    await page.getByRole('button', { name: /^Options of/ }).click();
    await look('options');
    await page.keyboard.press('Escape');
    await anew(page);
    await view(page, 'settings');
    await look('settings');
    assert.deepEqual(states, []);
    await page.evaluate(() => document.querySelector('#main').append(document.createElement('textarea')));
    assert.match((await findings(page)).join(), /label/);
    assert.deepEqual(complaints, []);
    await close();
  });
}
