// The assistant's page as tests use it: load a model, say something, wait for the answer.

/** Waits until the model is there, or has failed. */
export const settled = (page) => page.locator('#where[data-status="ready"], #where[data-status="failed"]').waitFor({ timeout: 60_000 });

/** Goes to another view of the page. */
export async function view(page, name, ...args) {
  await page.evaluate((hash) => (location.hash = hash), `#/${[name, ...args].map(encodeURIComponent).join('/')}`);
  await page.locator(`#main[data-view="${name}"]`).waitFor();
}

/** Loads a model by the form of the model view, and goes to the conversation; an error is then in view there. */
export async function load(page, { url, files, backend = 'cpu', cache = 'f32', context = '' }) {
  await view(page, 'models');
  if (files) await page.getByLabel('or a file on this device').setInputFiles(files);
  else await page.getByLabel('Address of a GGUF file').fill(url);
  const form = page.locator('form#load');
  await form.getByLabel('Runs on').selectOption(backend);
  await form.getByLabel('Cache precision').selectOption(cache);
  await form.getByLabel('Context, tokens').fill(context);
  await page.getByRole('button', { name: 'Load model' }).click();
  // The chip may still tell of the model before.
  await page.evaluate(async () => {
    const { engine } = await import('/services/engine.js');
    while (engine.value.status === 'loading') await new Promise((resolve) => engine.subscribe(resolve));
  });
  await settled(page);
  await view(page, 'chat');
}

/** How answers are drawn from now on. */
export async function sampling(page, fields) {
  await page.evaluate(async (fields) => {
    const { samplingSettings } = await import('/services/settings.js');
    samplingSettings.patch(fields);
  }, fields);
}

/** Waits until nothing is being made or kept in this tab: what is shown as ended goes to the database after that. */
export const idle = (page) => page.evaluate(async () => (await import('/services/busy.js')).idleHere());

/** Waits until the last answer of at least `turns` has ended, and is kept; resolves to its text. */
export async function answered(page, turns = 1) {
  await page.locator('#log > li.assistant').nth(turns - 1).waitFor({ timeout: 60_000 });
  await page.waitForFunction(() => document.querySelector('#log > li:last-child')?.matches('.assistant[aria-busy="false"]') && document.querySelector('#send'), null, { timeout: 60_000 });
  const text = await page.locator('#log > li:last-child .text').evaluate((text) => text.textContent);
  await idle(page);
  return text;
}

/** Writes a message with the keyboard and waits for the end of the answer; resolves to its text. */
export async function say(page, prompt, { temperature = 0, maxTokens = 64 } = {}) {
  await sampling(page, { temperature, maxTokens });
  const turns = await page.locator('#log > li.assistant').count();
  await page.locator('#prompt').fill(prompt);
  await page.locator('#prompt').press('Enter');
  return answered(page, turns + 1);
}

/** What the whole log says, one text for each message. */
export const log = (page) => page.locator('#log > li .text').evaluateAll((texts) => texts.map((text) => text.textContent));

/** The errors in view. */
export const errors = (page) => page.locator('#error').allTextContents();

export const errorCode = (page) => page.locator('#error-code').textContent();

/** Begins another conversation. */
export async function anew(page) {
  await page.keyboard.press('Control+Shift+KeyO');
  await page.locator('#log:empty').waitFor({ state: 'attached' });
}

/**
 * Puts a scripted engine in place of a model, so that tests say what is answered: `globalThis.scripted` has `asked` (the requests so far) and
 * `answer(request)`: an array of pieces of text, each after a task of its own, or of whole chunks; where it throws, so does the request.
 */
export async function scripted(page, info = {}) {
  await page.evaluate(async (info) => {
    const { engine } = await import('/services/engine.js');
    const scripted = (globalThis.scripted = { asked: [], finish: 'stop', answer: ({ messages }) => ['You said: ', messages.at(-1).content], pause: () => new Promise((resolve) => setTimeout(resolve)) });
    let count = 0;
    const chunk = (id, text, more = {}) => ({ id, choices: [{ index: 0, delta: { content: text }, finish_reason: null, logprobs: null }], ...more });
    async function* stream(request) {
      const id = `scripted-${(count += 1)}`;
      let tokens = 0;
      for (const piece of await scripted.answer(request)) {
        await scripted.pause();
        request.signal?.throwIfAborted();
        tokens += 1;
        yield typeof piece === 'string' ? chunk(id, piece) : { id, choices: [], ...piece };
      }
      yield { id, choices: [{ index: 0, delta: {}, finish_reason: scripted.finish, logprobs: null }], kinglet: { timings: { prefill_ms: 1, decode_ms: 10, reused_tokens: 0 } } };
      yield { id, choices: [], usage: { prompt_tokens: 5, completion_tokens: tokens, total_tokens: 5 + tokens } };
    }
    const create = async ({ signal, ...request }) => {
      scripted.asked.push(structuredClone(request));
      return stream({ ...request, signal });
    };
    const known = { model: 'scripted', backend: 'cpu', context: 4096, chat_template: true, ...info };
    const kinglet = { info: known, ready: true, chat: { completions: { create } }, completions: { create }, contextUsage: async () => ({ used: 0, total: known.context }), stats: async () => ({ requests: 0 }), dispose() {} };
    engine.value = { status: 'ready', model: { id: 'scripted', name: 'scripted', source: '' }, kinglet, info: known };
  }, info);
  await page.locator('#send:enabled').waitFor();
}

/** Writes and sends, and waits for the end of the answer: as `say`, with the settings as they are. */
export async function send(page, text) {
  const turns = await page.locator('#log > li.assistant').count();
  await page.locator('#prompt').fill(text);
  await page.locator('#prompt').press('Enter');
  return answered(page, turns + 1);
}
