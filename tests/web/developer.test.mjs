// The developer view in Chromium: what it shows is what the engine says, the self-test and the timings run when they are asked for,
// and the report has no word of a conversation.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { problems } from './support/axe.mjs';
import { launch, missing, openPage, screenshotPath } from './support/browser.mjs';
import { DESK_NANO, deskServer, noDesk } from './support/desk.mjs';
import { fileModel } from './support/server.mjs';
import { drawn } from './support/wait.mjs';

const skip = missing() ?? noDesk() ?? false;
const PROFILE = JSON.parse(readFileSync(new URL('../cases/route/profile.json', import.meta.url), 'utf8'));
const SECRET = 'xylophone-7731';

let server;
let browser;
before(async () => {
  if (skip) return;
  server = await deskServer();
  server.models.set('nano.gguf', fileModel(DESK_NANO));
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** The view, with a model that is ready on `backend`, and settings of these sections beside. */
async function open(backend, sections = {}) {
  const settings = { version: 1, sections: { engine: { backend }, ...sections } };
  const { page, complaints, close } = await openPage(browser, `${server.origin}/?model=models/nano.gguf#/developer`, {
    storageState: { cookies: [], origins: [{ origin: server.origin, localStorage: [{ name: 'kinglet.settings', value: JSON.stringify(settings) }] }] },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  await page.locator('#where[data-status=ready]').waitFor({ timeout: 60_000 });
  return { page, complaints, close };
}

const fact = (page, name) => page.locator(`[data-fact=${name}]`).innerText();

/** What the engine itself says, over the page's own module. */
const said = (page) =>
  page.evaluate(async () => {
    const { engine } = await import('/services/engine.js');
    const { kinglet, info } = engine.value;
    return { info, stats: await kinglet.stats(), usage: await kinglet.contextUsage() };
  });

/** Rows of a step's table: `[[stage, op, calls, ms, share, weights, kernel], …]`. */
const rows = (page, step) => page.locator(`[data-step=${step}] tbody tr`).evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent.trim())));

/** What a layer is made of: of several tokens, and of one. On the GPU products do what precedes and follows them as well. */
const SINGLE = ['qkv rms_norm', 'qkv matmul', 'qkv rope', 'qkv kv_write', 'attention attention', 'attn_output matmul', 'attn_output add', 'gate_up rms_norm', 'gate_up matmul', 'gate_up silu_mul', 'ffn_down matmul', 'ffn_down add'];
const FUSED = ['qkv rms_norm', 'qkv matmul', 'qkv finish_qkv', 'attention attention_row', 'attn_output matmul', 'gate_up rms_norm', 'gate_up matmul', 'ffn_down matmul'];
const STEPS = {
  cpu: { prefill: SINGLE, decode: [...SINGLE, 'head rms_norm', 'head matmul'] },
  gpu: { prefill: FUSED, decode: [...FUSED.filter((name) => !name.endsWith('rms_norm')), 'head matmul'] },
};

for (const backend of ['cpu', 'gpu']) {
  test(`what is shown is what the engine says (${backend})`, { skip }, async () => {
    const { page, complaints, close } = await open(backend);
    await page.waitForFunction(() => document.querySelector('[data-fact=wasm_memory]')?.textContent.includes('bytes'));
    await page.getByRole('button', { name: 'Measure memory again' }).click();
    const { info, stats, usage } = await said(page);
    await drawn(page);
    assert.equal(info.backend, backend);
    assert.match(await fact(page, 'backend'), backend === 'gpu' ? /^GPU, emulated/ : /^processor/);
    assert.equal(await fact(page, 'adapter'), info.adapter);
    assert.equal(await fact(page, 'threads').then((text) => parseInt(text, 10)), info.threads);
    assert.match(await fact(page, 'context'), new RegExp(`^${info.context} tokens, trained for ${info.trained_context}$`));
    assert.match(await fact(page, 'format'), new RegExp(`^${info.architecture}, ${info.binding.quantization}$`));
    assert.match(await fact(page, 'module'), info.module === 'relaxed' ? /relaxed/ : /plain/);
    assert.match(await fact(page, 'wasm_memory'), new RegExp(`\\(${stats.wasm_memory} bytes\\)`));
    assert.match(await fact(page, 'gpu_bytes'), new RegExp(`^${stats.gpu_buffers}, .*\\(${stats.gpu_bytes} bytes\\)`));
    assert.equal(await fact(page, 'usage'), `${usage.used} of ${usage.total} tokens`);
    assert.match(await fact(page, 'gpu'), /swiftshader/);
    assert.match(await fact(page, 'maxStorageBufferBindingSize'), /GB$/);

    await page.getByRole('button', { name: 'Run the self-test' }).click();
    await page.locator('#self-test strong').waitFor({ timeout: 60_000 });
    assert.match(await page.locator('#self-test').innerText(), backend === 'gpu' ? /^As it should be: \d\d? comparisons agree/ : /^As it should be: 1 comparison agrees/);

    await page.getByLabel('Tokens of the prompt').fill('16');
    await page.getByLabel('Context before them').fill('8');
    await page.getByRole('button', { name: 'Measure operations' }).click();
    await page.locator('[data-step=prefill]').waitFor({ timeout: 60_000 });
    const decode = await rows(page, 'decode');
    const names = (rows) => rows.map(([stage, op]) => `${stage} ${op}`);
    assert.deepEqual(names(decode), ['embed embed', ...STEPS[backend].decode], 'the decoder, in its order');
    assert.deepEqual(names(await rows(page, 'prefill')), ['embed embed', ...STEPS[backend].prefill]);
    const kernel = decode.find(([stage, op]) => stage === 'gate_up' && op === 'matmul')[6];
    assert.match(kernel, backend === 'gpu' ? /^gemv\/team .*FORMAT=/ : /^wasm /);

    assert.deepEqual(await problems(page), []);
    assert.deepEqual(complaints, []);
    await page.screenshot({ path: screenshotPath(`developer-${backend}`) });
    await close();
  });
}

for (const backend of ['cpu', 'gpu']) {
  test(`the sum of the operations is the step, and an answer afterwards is as before (${backend})`, { skip }, async () => {
    const { page, close } = await openPage(browser, server.origin);
    const { profiles, answers, refused, methods } = await page.evaluate(async (backend) => {
      const { createKinglet } = await import('/pkg/dist/index.js');
      const kinglet = await createKinglet({ model: '/models/nano.gguf', backend, context: 256 });
      const ask = async () => (await kinglet.chat.completions.create({ messages: [{ role: 'user', content: 'Where is my parcel?' }], temperature: 0, max_tokens: 12 })).choices[0].message.content;
      const answers = [await ask()];
      const profiles = [];
      for (let i = 0; i < 5; i++) profiles.push(await kinglet.profile({ tokens: 64, rounds: 1 }));
      const { used } = await kinglet.contextUsage();
      answers.push(await ask());
      const codes = [{ tokens: 1 }, { tokens: 100_000 }, { position: 300 }, { rounds: 0 }, { tokens: 1.5 }, { token: 4 }].map((options) => kinglet.profile(options).then(() => 'no error', ({ code }) => code));
      const stopped = new AbortController();
      stopped.abort();
      const refused = [...(await Promise.all(codes)), await kinglet.profile({ signal: stopped.signal }).catch(({ code }) => code), used];
      const methods = [...new Set(profiles.map(({ decode }) => decode.method))];
      kinglet.dispose();
      return { profiles, answers, refused, methods };
    }, backend);
    assert.equal(answers[1], answers[0]);
    assert.deepEqual(refused, [...Array(6).fill('invalid_request'), 'aborted', 0]);
    assert.ok(methods.every((method) => (backend === 'cpu' ? ['clock'] : ['timestamps', 'settled']).includes(method)), methods.join());
    const off = profiles.map(({ prefill: { rows, step_ms } }) => Math.exp(Math.abs(Math.log(rows.reduce((sum, { ms }) => sum + ms, 0) / step_ms))));
    // The best of five: this machine may be busy at any time.
    assert.ok(Math.min(...off) < (backend === 'cpu' ? 2 : 4), `off by factors of ${off.map((one) => one.toFixed(2)).join(', ')} (${methods})`);
    for (const { decode, prefill } of profiles) {
      for (const { rows } of [decode, prefill]) {
        assert.ok(Math.abs(rows.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9);
        assert.ok(rows.every(({ op, bytes }) => (op === 'matmul' || op === 'embed') === bytes > 0));
      }
    }
    await close();
  });
}

test('the report has the measurements and no word of a conversation, and the calibration is drawn', { skip }, async () => {
  const profile = { ...PROFILE, reference: { ...PROFILE.reference, score: { edges: [0.1, 0.2, 0.3], counts: [40, 30, 20, 10] } } };
  const { page, close } = await open('cpu', { calibration: { profile, target: { risk: 0.05 } } });
  await page.evaluate(async (secret) => {
    const { engine } = await import('/services/engine.js');
    const { createConversation, keepMessages, newId } = await import('/services/conversations.js');
    const answer = await engine.value.kinglet.chat.completions.create({ messages: [{ role: 'user', content: secret }], max_tokens: 8 });
    const id = await createConversation(secret);
    const { timings } = answer.kinglet;
    await keepMessages(id, [{ id: newId(), conversation: id, parent: null, role: 'assistant', content: secret, created: Date.now(), status: 'done', answer: { id: answer.id, timings, usage: answer.usage } }]);
  }, SECRET);
  await page.locator('[data-fact=answer-0]', { hasText: 'tokens at' }).waitFor();
  await page.getByRole('button', { name: 'Run the self-test' }).click();
  await page.locator('#self-test strong').waitFor({ timeout: 60_000 });
  await page.getByRole('button', { name: 'Copy report' }).click();
  await page.locator('.toast', { hasText: 'clipboard' }).waitFor();
  const text = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(!text.includes(SECRET), 'no word of it');
  const report = JSON.parse(text);
  assert.deepEqual([report.report, report.engine.status, report.self_test.ok, report.profile], ['kinglet developer 1', 'ready', true, null]);
  assert.ok(report.figures.answers[0].first > 0 && report.figures.stats.wasm_memory > 0);
  assert.ok(report.adapter.limits.maxBufferSize > 0);

  const plot = page.getByRole('group', { name: /Asked elsewhere against wrong/ });
  await plot.locator('svg').first().waitFor();
  await page.locator('[aria-labelledby=deferral-caption] summary').click();
  const table = await page.locator('[aria-labelledby=deferral-caption] tbody tr').evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
  // Of 100 values 40 lie in 0 to 0.1, 30 up to 0.2, 20 up to 0.3, 10 up to 1: of a bin its middle counts.
  const share = (value) => `${Math.round(value * 1000) / 10} %`;
  assert.deepEqual(table, [
    ['from 10 % on', '60 %', share(0.05)],
    ['from 20 % on', '30 %', share((40 * 0.05 + 30 * 0.15) / 70)],
    ['from 30 % on (now)', '10 %', share((40 * 0.05 + 30 * 0.15 + 20 * 0.25) / 90)],
    ['never', '0 %', share((40 * 0.05 + 30 * 0.15 + 20 * 0.25 + 10 * 0.65) / 100)],
  ]);
  await close();
});
