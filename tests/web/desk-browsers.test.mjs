// The default page in three browsers that share no code: its model answers, nobody but the page's own server is asked for
// anything, and the answer goes on when that server is gone, too.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { notBuilt } from './support/browser.mjs';
import { EXPOSE, LAUNCHERS, ready } from './support/browsers.mjs';
import { deskServer, firstToken, noDesk } from './support/desk.mjs';
import { startProxy } from './support/proxy.mjs';

/** On the page: runs an example of the default page's model; resolves to what is shown. */
async function example(name) {
  const wait = async (done) => {
    for (let left = 18_000; !done(); left--) {
      if (left === 0) throw new Error(`waited in vain: ${document.querySelector('#error')?.textContent ?? document.querySelector('#where')?.textContent}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await wait(() => document.querySelector('#where')?.dataset.status === 'ready' && document.querySelector('#tasks') && document.querySelector('#send:enabled'));
  const before = document.querySelectorAll('#log .sure').length;
  [...document.querySelectorAll('#tasks button')].find((button) => button.textContent === name).click();
  await wait(() => document.querySelectorAll('#log .sure').length > before && document.querySelector('#send'));
  // Without a server Firefox gives a script of the test's no module: the page counts by itself, too, each second.
  await import('/services/requests.js').then(({ recount }) => recount(), () => undefined);
  await new Promise((resolve) => setTimeout(resolve, 200)); // the count is shown a moment later
  return {
    text: document.querySelector('#log > li:last-child .text').textContent,
    sure: document.querySelector('#log > li:last-child .sure').textContent,
    offline: document.querySelector('#offline').textContent,
    where: document.querySelector('#where').textContent,
  };
}

/** Services of the browsers' makers, which no page asks for. */
const OWN = /^\S+ (https?:\/\/)?([a-z0-9-]+\.)*(mozilla\.(com|net|org)|firefox\.com|googleapis\.com|google\.com|gvt1\.com)[:/]/;

let answer; // the first browser's
for (const [name, { missing, launch }] of Object.entries(LAUNCHERS)) {
  const skip = missing() ?? notBuilt() ?? noDesk() ?? false;
  let browser;
  let server;
  let proxy;
  before(async () => {
    if (skip) return;
    [server, proxy] = await Promise.all([deskServer({ scripts: new Map([['/expose.js', EXPOSE]]) }), startProxy()]);
  });
  after(() => Promise.all([browser?.close(), server?.close(), proxy?.close()]));

  test(`${name}: the default page's model answers, and nothing is asked of another origin`, { skip }, async () => {
    browser = await launch({ proxy: proxy.port });
    proxy.asked.length = 0; // what the browser itself wants when it starts
    await browser.goto(`${server.origin}/?backend=cpu`);
    const { text, sure, offline, where } = await browser.evaluate(example, 'Filter');
    assert.ok(text.length > 0);
    assert.equal(text, (answer ??= text), 'the same in every browser');
    assert.match(sure, /\d+ % on average, \d+ % at the least sure token/);
    assert.match(offline, /Nothing has left this device: 0 requests/);
    assert.match(where, / · Processor$/);
    assert.deepEqual(proxy.asked.filter((line) => !OWN.test(line)), []);
  });

  test(`${name}: first token of a prompt of 64 tokens, after warm-up`, { skip }, async () => {
    await browser.goto(`${server.origin}/?backend=cpu`);
    await browser.evaluate(ready);
    const { info, times, cached } = await browser.evaluate(firstToken, { tokens: 64, warmup: 5, rounds: 9 });
    assert.ok(cached <= 2, `${cached} tokens were in the cache`);
    const sorted = times.toSorted((a, b) => a - b);
    console.log(`${name}: median ${sorted[4].toFixed(1)} ms, ${sorted[0].toFixed(1)} to ${sorted[8].toFixed(1)} (${info.adapter}, ${info.threads} threads)`);
  });

  test(`${name}: the page answers when its server is gone`, { skip }, async () => {
    await browser.goto(`${server.origin}/?backend=cpu`);
    await browser.evaluate(example, 'Small talk');
    const asked = server.asked.length;
    await server.close();
    server = undefined;
    const { text, offline } = await browser.evaluate(example, 'Filter');
    assert.equal(text, answer);
    assert.match(offline, / 0 requests/);
    assert.ok(asked > 0);
  });
}
