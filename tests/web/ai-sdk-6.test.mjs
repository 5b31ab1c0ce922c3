// `kinglet/ai-sdk` under the real `ai` 6, whose models follow version 3 of the specification: the same answers as under 7.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  APICallError,
  createProviderRegistry,
  embedMany,
  generateObject,
  generateText,
  NoSuchModelError,
  Output,
  stepCountIs,
  streamText,
  tool,
} from 'ai-6';
import { z } from 'zod';
import { createKingletProvider, KingletCallError } from '../../pkg/dist/adapters/ai-sdk.js';
import { KingletError } from '../../pkg/dist/index.js';
import { collect, deskNano, QUESTION, skip } from './support/adapters.mjs';
import { call, scripted } from './support/scripted.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const V3 = { specification: 'v3' };
const real = deskNano();

const model = (turns, options) => {
  const client = scripted(turns, options);
  return { client, provider: createKingletProvider(client, V3), model: createKingletProvider(client, V3)() };
};

test('ai 6: whole, streamed and aborted, with real weights', { skip }, async () => {
  const { kinglet, endless } = real;
  const messages = [{ role: 'user', content: QUESTION }];
  const direct = await kinglet.chat.completions.create({ messages, temperature: 0, max_tokens: 16 });
  const options = { model: createKingletProvider(kinglet, V3)(), prompt: QUESTION, temperature: 0, maxOutputTokens: 16 };
  const whole = await generateText(options);
  assert.equal(whole.text, direct.choices[0].message.content);
  assert.ok(whole.text.length > 0);
  assert.equal(whole.finishReason, direct.choices[0].finish_reason);
  assert.deepEqual([whole.usage.inputTokens, whole.usage.outputTokens], [direct.usage.prompt_tokens, direct.usage.completion_tokens]);
  assert.ok(whole.providerMetadata.kinglet.timings.prefill_ms >= 0);
  assert.deepEqual(whole.warnings ?? [], []);
  const pieces = await collect(streamText(options).textStream);
  assert.equal(pieces.join(''), whole.text);

  const control = new AbortController();
  const types = [];
  for await (const { type } of streamText({ ...options, maxOutputTokens: 600, providerOptions: { kinglet: endless }, abortSignal: control.signal }).fullStream) {
    types.push(type);
    if (type === 'text-delta') control.abort();
  }
  assert.equal(types.at(-1), 'abort');
  assert.ok(types.filter((type) => type === 'text-delta').length < 5, types.join());
});

test('ai 6: an answer in a schema, with real weights', { skip }, async () => {
  const schema = z.object({ topic: z.enum(['delivery', 'payment']), urgent: z.boolean() });
  const options = { model: createKingletProvider(real.kinglet, V3)(), prompt: 'Where is my parcel?', temperature: 0, maxOutputTokens: 64 };
  const { object } = await generateObject({ ...options, schema });
  assert.ok(schema.safeParse(object).success, JSON.stringify(object));
  const { output } = await generateText({ ...options, output: Output.object({ schema }) });
  assert.deepEqual(output, object);
});

test('ai 6: calls of tools and their results, whole and streamed', async () => {
  const asked = [];
  const weather = tool({ inputSchema: z.object({ city: z.string() }), execute: async ({ city }) => (asked.push(city), { city, degrees: 21 }) });
  const turns = () => [{ tool_calls: [call('1', 'weather', { city: 'Oslo' })] }, { content: 'It is 21.' }];
  const first = model(turns());
  const options = { prompt: 'Oslo?', tools: { weather }, stopWhen: stepCountIs(2) };
  const whole = await generateText({ ...options, model: first.model });
  assert.deepEqual([whole.text, whole.steps.length, asked], ['It is 21.', 2, ['Oslo']]);
  const { messages } = first.client.requests[1];
  assert.deepEqual(messages.slice(1), [
    { role: 'assistant', content: null, tool_calls: [call('1', 'weather', { city: 'Oslo' })] },
    { role: 'tool', tool_call_id: '1', name: 'weather', content: '{"city":"Oslo","degrees":21}' },
  ]);
  const second = model(turns());
  const types = (await collect(streamText({ ...options, model: second.model }).fullStream)).map(({ type }) => type);
  for (const type of ['tool-input-start', 'tool-input-delta', 'tool-input-end', 'tool-call', 'tool-result', 'text-delta', 'finish']) {
    assert.ok(types.includes(type), `${type}: ${types.join()}`);
  }
  assert.deepEqual(second.client.requests[1].messages, first.client.requests[1].messages);
});

test('ai 6: files that are text are read, in messages and in results; others are refused by their place', async () => {
  const text = new TextEncoder().encode('a note');
  const base64 = Buffer.from(text).toString('base64');
  for (const data of [text, base64]) {
    const { client, model: reading } = model([{ content: 'read' }]);
    await generateText({ model: reading, messages: [{ role: 'user', content: [{ type: 'file', data, mediaType: 'text/plain' }] }] });
    assert.deepEqual(client.requests[0].messages, [{ role: 'user', content: 'a note' }]);
  }
  const result = (value) => [
    { role: 'assistant', content: [{ type: 'tool-call', toolCallId: '1', toolName: 'look', input: {} }] },
    { role: 'tool', content: [{ type: 'tool-result', toolCallId: '1', toolName: 'look', output: { type: 'content', value } }] },
  ];
  const { client, model: told } = model([{ content: 'ok' }]);
  await generateText({ model: told, messages: result([{ type: 'text', text: 'one' }, { type: 'file-data', data: base64, mediaType: 'text/plain' }]) });
  assert.equal(client.requests[0].messages[1].content, 'one\na note');
  const image = { mediaType: 'image/png', data: base64 };
  for (const [messages, param] of [
    [[{ role: 'user', content: [{ type: 'file', ...image }] }], 'messages[0].content[0]'],
    [result([{ type: 'image-data', ...image }]), 'messages[1].content[0].output[0]'],
    [result([{ type: 'file-id', fileId: 'x' }]), 'messages[1].content[0].output[0]'],
  ]) {
    const refused = model([{ content: 'never' }]);
    await assert.rejects(generateText({ model: refused.model, messages }), (error) => error.detail.param === param && error.statusCode === 400);
    assert.equal(refused.client.requests.length, 0);
  }
});

test('ai 6: embeddings, the registry, unknown models, failures', async () => {
  const embeddings = ({ input }) => ({ data: input.map((text, index) => ({ index, embedding: [text.length] })), usage: { prompt_tokens: 4 } });
  const { provider } = model([{ content: 'hi' }], { embeddings });
  assert.equal(provider.specificationVersion, 'v3');
  const embedded = await embedMany({ model: provider.embeddingModel(), values: ['a', 'bcd'] });
  assert.deepEqual([embedded.embeddings, embedded.usage.tokens], [[[1], [3]], 4]);
  const registry = createProviderRegistry({ here: provider });
  assert.equal((await generateText({ model: registry.languageModel('here:any'), prompt: 'x' })).text, 'hi');
  assert.throws(() => createKingletProvider({ a: scripted([]) }, V3)('b'), (error) => NoSuchModelError.isInstance(error));
  const failing = model([new KingletError('gpu_lost', 'lost')]);
  await assert.rejects(generateText({ model: failing.model, prompt: 'x' }), (error) => {
    assert.ok(error instanceof KingletCallError && APICallError.isInstance(error));
    return error.code === 'gpu_lost' && error.statusCode === 500;
  });
  assert.equal(failing.client.requests.length, 1, 'not tried again');
});

test('without the option ai 6 refuses the model by its version; an unknown one is an error of ours', async () => {
  await assert.rejects(generateText({ model: createKingletProvider(scripted([]))(), prompt: 'x' }), /Unsupported model version v4/);
  assert.throws(() => createKingletProvider(scripted([]), { specification: 'v2' }), (error) => error.code === 'invalid_request' && error.detail.param === 'specification');
});

test('ai 6: its types take the model', (t) => {
  mkdirSync(`${ROOT}target`, { recursive: true });
  const folder = mkdtempSync(`${ROOT}target/types-ai-6-`); // below the repository, where ai-6 is found
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'main.ts'), `
import { embed, generateText } from 'ai-6';
import { createKingletProvider, type Engines } from '../../pkg/dist/adapters/ai-sdk.js';
export async function ask(engines: Engines) {
  const provider = createKingletProvider(engines, { specification: 'v3' });
  const { text } = await generateText({ model: provider(), prompt: 'x' });
  const { embedding } = await embed({ model: provider.embeddingModel(), value: text });
  return embedding.length;
}
// @ts-expect-error it is not the model's text
export const wrong = (engines: Engines): Promise<number> => generateText({ model: createKingletProvider(engines, { specification: 'v3' })(), prompt: 'x' });
`);
  // Where ai 6 is installed, that is what the package's types find.
  const paths = { '@ai-sdk/provider': [`${ROOT}node_modules/ai-6/node_modules/@ai-sdk/provider`] };
  const resolved = { module: 'esnext', moduleResolution: 'bundler', target: 'es2022', lib: ['es2023', 'dom', 'dom.asynciterable'], types: [] };
  const compilerOptions = { ...resolved, paths, strict: true, noEmit: true, skipLibCheck: true };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['main.ts'] }));
  const { stdout } = spawnSync(process.execPath, [`${ROOT}node_modules/typescript/bin/tsc`, '--project', folder], { encoding: 'utf8' });
  assert.equal(stdout, '');
});
