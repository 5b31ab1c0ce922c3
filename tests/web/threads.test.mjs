// Several threads in headless Chromium, isolated page and plain one: the same values as with one thread, the number of
// workers, what waiting costs, and what happens when a worker cannot be had or dies.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, missing, openPage } from './support/browser.mjs';
import { llamaModel } from './support/gguf.mjs';
import { processorTime } from './support/processes.mjs';
import { fileModel, startServer } from './support/server.mjs';
import { eventually } from './support/wait.mjs';

const skip = missing();
const GOLDENS = fileURLToPath(new URL('../goldens', import.meta.url));
const MODELS = ['phi4mini', 'llama3', 'qwen2', 'qwen3'];

/** Lets a test count shard workers, and make one fail. */
const HOOK = `
const hook = new BroadcastChannel('shards');
hook.onmessage = ({ data }) => {
  if (data === 'ping') hook.postMessage('pong');
  if (data === 'kill') throw new Error('killed by the test');
};
`;
/** Servers by the page they give; the last two have no nested workers, and a shard's script that fails. */
const SITES = {
  isolated: { isolated: true, scripts: new Map([['/pkg/dist/shard.js', HOOK]]) },
  plain: { isolated: false, scripts: new Map([['/pkg/dist/shard.js', HOOK]]) },
  old: { isolated: true, scripts: new Map([['/pkg/dist/worker.js', '\ndelete globalThis.Worker;']]) },
  broken: { isolated: true, scripts: new Map([['/pkg/dist/shard.js', '\nthrow new Error("no such thing");']]) },
};

const sites = {};
let browser;
before(async () => {
  if (skip) return;
  const models = new Map(MODELS.map((name) => [`${name}.gguf`, fileModel(`${GOLDENS}/${name}.gguf`)]));
  models.set('middle.gguf', llamaModel({ n_embd: 512, n_ff: 2048, n_layer: 5 }));
  models.set('long.gguf', llamaModel({ n_embd: 256, n_ff: 1024, n_layer: 6, n_ctx: 1024 }));
  for (const [name, options] of Object.entries(SITES)) {
    sites[name] = await startServer(models, options);
  }
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await Promise.all(Object.values(sites).map((site) => site.close()));
});

/** Runs `script(args)` on a page of a site. */
async function inPage(site, script, args = {}) {
  const { page, complaints, close } = await openPage(browser, sites[site].origin);
  try {
    page.setDefaultTimeout(60_000);
    return { ...(await page.evaluate(script, args)), complaints };
  } finally {
    await close();
  }
}

/** Text and log-probabilities of each model with each number of threads, and the shard workers that answered. */
async function answers({ models, threads }) {
  const { createKinglet } = await import('/pkg/dist/index.js');
  const hook = new BroadcastChannel('shards');
  let pongs = 0;
  hook.onmessage = ({ data }) => (pongs += data === 'pong' ? 1 : 0);
  /** How many answer; `wanted` are waited for, and a moment longer, so that one too many is heard. */
  const count = async (wanted = 0) => {
    pongs = 0;
    hook.postMessage('ping');
    for (let tries = 0; pongs < wanted && tries < 1000; tries++) await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setTimeout(resolve, 100));
    return pongs;
  };
  const found = [];
  for (const model of models) {
    for (const n of threads) {
      const kinglet = await createKinglet({ model: `/models/${model}.gguf`, backend: 'cpu', threads: n });
      const ask = (prompt, more) => kinglet.completions.create({ prompt, temperature: 0, logprobs: 3, ...more });
      const first = await ask('abc def ghi', { max_tokens: 12 });
      const second = await ask('abc def xyz', { max_tokens: 12 });
      const values = JSON.stringify([first, second].map(({ choices }) => choices));
      const workers = await count(n - 1);
      kinglet.dispose();
      let left = workers; // the browser ends them in its own time
      for (let tries = 0; left > 0 && tries < 100; tries++) left = await count();
      found.push({ model, values, workers, left, info: kinglet.info });
    }
  }
  return { found };
}

for (const [site, threads] of [['isolated', 2], ['isolated', 3], ['plain', 2], ['plain', 3]]) {
  test(`${threads} threads compute the same values as one (${site} page)`, { skip }, async () => {
    const { found, complaints } = await inPage(site, answers, { models: MODELS, threads: [1, threads] });
    for (const [i, model] of MODELS.entries()) {
      const [one, several] = found.slice(2 * i, 2 * i + 2);
      assert.ok(one.values.length > 500, one.values);
      assert.equal(several.values, one.values, model);
      assert.deepEqual([one.info.threads, one.workers], [1, 0], model);
      assert.deepEqual([several.info.threads, several.workers, several.left], [threads, threads - 1, 0], model);
      assert.equal(several.info.isolated, site === 'isolated');
      assert.equal(several.info.threads_why, undefined);
    }
    assert.deepEqual(complaints, []);
  });
}

test('auto takes the cores of an isolated page, and one thread for a model that is too small', { skip }, async () => {
  const run = async ({ model }) => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const { info } = await createKinglet({ model, backend: 'cpu' });
    return { info, cores: navigator.hardwareConcurrency };
  };
  const { info, cores } = await inPage('isolated', run, { model: '/models/middle.gguf' });
  assert.equal(info.threads, Math.min(cores <= 4 ? cores : Math.max(4, Math.ceil(cores / 2)), 8));
  for (const [site, model, why] of [['isolated', 'qwen2', /model of this size/], ['plain', 'middle', /not cross-origin isolated/]]) {
    const { info } = await inPage(site, run, { model: `/models/${model}.gguf` });
    assert.equal(info.threads, 1);
    assert.match(info.threads_why, why);
  }
});

test('without nested workers, or when they cannot start, there is one thread and a reason', { skip }, async () => {
  const run = async ({ model }) => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const kinglet = await createKinglet({ model, backend: 'cpu', threads: 2 });
    const answer = await kinglet.completions.create({ prompt: 'abc', max_tokens: 4, temperature: 0 });
    return { info: kinglet.info, usage: answer.usage };
  };
  for (const [site, why] of [['old', /cannot start a worker/], ['broken', /no such thing/]]) {
    const { info, usage } = await inPage(site, run, { model: '/models/qwen2.gguf' });
    assert.equal(info.threads, 1);
    assert.match(info.threads_why, why);
    assert.equal(usage.completion_tokens, 4);
  }
});

test('a number of threads that makes no sense is named', { skip }, async () => {
  const run = async () => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const code = (threads) => createKinglet({ model: '/models/qwen2.gguf', threads }).then(() => 'loaded', (e) => `${e.code} ${e.detail.param}`);
    return { codes: await Promise.all([0, 17, 1.5, 'many'].map(code)) };
  };
  const { codes } = await inPage('plain', run);
  assert.deepEqual(codes, Array(4).fill('invalid_request threads'));
});

for (const site of ['isolated', 'plain']) {
  test(`a thread that dies is a typed error at once, and the next request has new ones (${site} page)`, { skip }, async () => {
    const run = async ({ model }) => {
      const { createKinglet, KingletError } = await import('/pkg/dist/index.js');
      const notices = [];
      const onNotice = ({ code }) => notices.push(code);
      const kinglet = await createKinglet({ model, backend: 'cpu', threads: 3, onNotice });
      const errors = [];
      let began = 0;
      try {
        let chunks = 0;
        const request = { prompt: 'abc', max_tokens: 4000, kinglet: { context_shift: true }, temperature: 0, stream: true, logit_bias: {} };
        for await (const _ of await kinglet.completions.create(request)) {
          if (++chunks === 3) {
            began = performance.now();
            new BroadcastChannel('shards').postMessage('kill');
          }
        }
        errors.push(`ended after ${chunks}`);
      } catch (error) {
        errors.push(error instanceof KingletError && `${error.code}: ${error.message}`);
      }
      const ms = performance.now() - began;
      const { usage } = await kinglet.completions.create({ prompt: 'x', max_tokens: 2, temperature: 0 });
      return { errors, ms, usage, notices, threads: kinglet.info.threads };
    };
    const { errors, ms, usage, notices, threads } = await inPage(site, run, { model: '/models/qwen2.gguf' });
    assert.match(errors[0], /^worker_failed: .*killed by the test/);
    assert.deepEqual([errors.length, usage.completion_tokens, notices, threads], [1, 2, ['worker_restarted'], 3]);
    assert.ok(ms < 8000, `${ms} ms`); // of itself a thread that says nothing is given up after ten seconds
  });

  test(`an aborted answer leaves the threads ready for the next (${site} page)`, { skip }, async () => {
    const run = async ({ model }) => {
      const { createKinglet } = await import('/pkg/dist/index.js');
      const kinglet = await createKinglet({ model, backend: 'cpu', threads: 2 });
      const ask = (more) => kinglet.completions.create({ prompt: 'abc', max_tokens: 30, temperature: 0, ...more });
      const expected = (await ask()).choices[0].text;
      const control = new AbortController();
      let code = '';
      try {
        for await (const _ of await ask({ max_tokens: 400, stream: true, signal: control.signal })) control.abort();
      } catch (error) {
        code = error.code;
      }
      return { code, same: (await ask()).choices[0].text === expected };
    };
    assert.deepEqual(await inPage(site, run, { model: '/models/qwen2.gguf' }), { code: 'aborted', same: true, complaints: [] });
  });

  test(`threads that wait take no processor time (${site} page)`, { skip }, async (t) => {
    const { page, close } = await openPage(browser, sites[site].origin);
    try {
      const load = async () => {
        const { createKinglet } = await import('/pkg/dist/index.js');
        globalThis.kinglet = await createKinglet({ model: '/models/qwen2.gguf', backend: 'cpu', threads: 3 });
        // One answer is left lying after its first piece: the shards wait in the middle of a request.
        globalThis.stream = await globalThis.kinglet.completions.create({ prompt: 'abc', max_tokens: 200, stream: true });
        await globalThis.stream.next();
      };
      await page.evaluate(load);
      const second = async () => {
        const before = processorTime('renderer');
        await new Promise((resolve) => setTimeout(resolve, 1000));
        return processorTime('renderer') - before;
      };
      // The browser's compiler goes on for a while behind the first answer; a thread that spins never ends.
      const used = await eventually(second, (ms) => ms < 100, 20_000);
      t.diagnostic(`${used} ms of processor time in 1 s`);
      assert.ok(used < 100, `${used} ms`);
    } finally {
      await close();
    }
  });

  test(`a long prompt does not hold up the page (${site} page)`, { skip }, async (t) => {
    const run = async ({ model }) => {
      const { createKinglet } = await import('/pkg/dist/index.js');
      const kinglet = await createKinglet({ model, backend: 'cpu', threads: 2 });
      const began = performance.now();
      let [gap, last] = [0, began];
      const timer = setInterval(() => {
        const now = performance.now();
        gap = Math.max(gap, now - last);
        last = now;
      }, 5);
      const answer = await kinglet.completions.create({ prompt: 'a b c d '.repeat(110), max_tokens: 1, temperature: 0 });
      clearInterval(timer);
      return { gap, ms: performance.now() - began, tokens: answer.usage.prompt_tokens };
    };
    const { gap, ms, tokens } = await inPage(site, run, { model: '/models/long.gguf' });
    t.diagnostic(`${tokens} tokens in ${ms.toFixed(0)} ms, longest gap ${gap.toFixed(0)} ms`);
    assert.ok(tokens > 300);
    // Other work on the machine makes gaps, too; a blocked page would have one of the whole time.
    assert.ok(gap < Math.max(100, ms / 3), `${gap} of ${ms} ms`);
  });
}
