// Three browsers that share no code, with one face: goto, evaluate, adapter, close.
import { launch, missing } from './browser.mjs';
import { adapterOf, BROWSERS } from './webdriver.mjs';

/** What a server has at /expose.js: a driver's script cannot import; a script of the page can. */
export const EXPOSE = `
  import * as kinglet from '/pkg/dist/index.js';
  globalThis.kinglet = kinglet;
  document.body.dataset.exposed = 'true';`;

async function launchChromium({ proxy } = {}) {
  const browser = await launch(proxy ? [`--proxy-server=127.0.0.1:${proxy}`] : []);
  const page = await browser.newPage();
  return {
    goto: (url) => page.goto(url),
    evaluate: (script, args) => page.evaluate(script, args),
    adapter: () => page.evaluate(adapterOf),
    close: () => browser.close(),
  };
}

/** Name to `{missing, launch, module}`, as in webdriver.mjs. */
export const LAUNCHERS = { chromium: { missing, launch: launchChromium, module: 'relaxed' }, ...BROWSERS };

/** On the page: waits until it is ready (that is, its script has run), and puts the package into `globalThis.kinglet`. */
export async function ready() {
  const present = async (selector) => {
    for (let left = 6000; !document.querySelector(selector); left--) {
      if (left === 0) throw new Error(`no ${selector} within a minute`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await present('body[data-ready]');
  const script = document.createElement('script');
  script.type = 'module';
  script.src = '/expose.js';
  document.head.append(script);
  await present('body[data-exposed]');
  return { shown: document.querySelector('#empty')?.textContent, error: document.querySelector('#error') !== null };
}
