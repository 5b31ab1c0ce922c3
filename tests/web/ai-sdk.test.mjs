// `kinglet/ai-sdk` under the real `ai` package: in front of real weights, and of answers that are written down.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  APICallError,
  createProviderRegistry,
  DirectChatTransport,
  embed,
  embedMany,
  generateObject,
  generateText,
  NoSuchModelError,
  Output,
  stepCountIs,
  streamObject,
  streamText,
  tool,
  ToolLoopAgent,
} from 'ai';
import { z } from 'zod';
import { createKingletProvider, KingletCallError } from '../../pkg/dist/adapters/ai-sdk.js';
import { placed } from '../../pkg/dist/adapters/client.js';
import { KingletError } from '../../pkg/dist/index.js';
import { collect, deskNano, QUESTION, skip } from './support/adapters.mjs';
import { nodeKinglet } from './support/node-engine.mjs';
import { call, scripted } from './support/scripted.mjs';
import { toolModel } from './support/tool-model.mjs';

const real = deskNano();

const USAGE = {
  inputTokens: 7,
  inputTokenDetails: { noCacheTokens: 4, cacheReadTokens: 3, cacheWriteTokens: undefined },
  outputTokens: 5,
  outputTokenDetails: { textTokens: 5, reasoningTokens: undefined },
};
const model = (turns, options) => {
  const client = scripted(turns, options);
  return { client, model: createKingletProvider(client)() };
};

test('generateText with real weights answers as the engine itself', { skip }, async () => {
  const { kinglet } = real;
  const messages = [{ role: 'user', content: QUESTION }];
  const direct = await kinglet.chat.completions.create({ messages, temperature: 0, max_tokens: 16 });
  const provider = createKingletProvider(kinglet);
  const answer = await generateText({ model: provider(), prompt: QUESTION, temperature: 0, maxOutputTokens: 16 });
  assert.ok(direct.choices[0].message.content.length > 0);
  assert.equal(answer.text, direct.choices[0].message.content);
  assert.equal(answer.finishReason, direct.choices[0].finish_reason);
  assert.equal(answer.usage.inputTokens, direct.usage.prompt_tokens);
  assert.equal(answer.usage.outputTokens, direct.usage.completion_tokens);
  assert.equal(answer.response.modelId, 'desk-nano');
  assert.match(answer.response.id, /^chatcmpl-/);
  assert.ok(answer.providerMetadata.kinglet.timings.prefill_ms > 0);
  assert.deepEqual(answer.warnings ?? [], []);
});

test('streamText with real weights says the same in pieces, and its length ends it', { skip }, async () => {
  const { kinglet } = real;
  const messages = [{ role: 'user', content: 'Hello' }];
  const direct = await kinglet.chat.completions.create({ messages, temperature: 0, max_tokens: 40, ...real.endless });
  assert.equal(direct.choices[0].finish_reason, 'length');
  const stream = streamText({
    model: createKingletProvider(kinglet)(),
    prompt: 'Hello',
    temperature: 0,
    maxOutputTokens: 40,
    providerOptions: { kinglet: real.endless },
  });
  const pieces = await collect(stream.textStream);
  assert.ok(pieces.length > 3, `${pieces.length} pieces`);
  assert.equal(pieces.join(''), direct.choices[0].message.content);
  assert.equal(await stream.finishReason, 'length');
  assert.equal((await stream.usage).outputTokens, 40);
  assert.ok((await stream.providerMetadata).kinglet.timings.decode_ms > 0);
});

test('an aborted streamText stops real weights and frees them for the next', { skip }, async () => {
  const provider = createKingletProvider(real.kinglet);
  const control = new AbortController();
  let aborts = 0;
  const stream = streamText({
    model: provider(),
    prompt: 'Hello',
    maxOutputTokens: 600,
    providerOptions: { kinglet: real.endless },
    abortSignal: control.signal,
    onAbort: () => (aborts += 1),
  });
  const types = [];
  for await (const part of stream.fullStream) {
    types.push(part.type);
    if (part.type === 'text-delta') control.abort();
  }
  assert.equal(aborts, 1);
  assert.equal(types.at(-1), 'abort');
  assert.ok(types.filter((type) => type === 'text-delta').length < 5, types.join());
  const next = await generateText({ model: provider(), prompt: QUESTION, temperature: 0, maxOutputTokens: 4 });
  assert.ok(next.text.length > 0);
});

test('the parts of a stream: their order, usage, metadata', async () => {
  const { client, model: scriptedModel } = model([{ content: 'one two three' }]);
  const { stream } = await scriptedModel.doStream({ prompt: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }] });
  const parts = await collect(stream);
  const types = parts.map(({ type }) => type);
  assert.deepEqual([...new Set(types)], ['stream-start', 'response-metadata', 'text-start', 'text-delta', 'text-end', 'finish']);
  assert.equal(parts.map(({ delta }) => delta ?? '').join(''), 'one two three');
  assert.deepEqual(parts.at(-1).finishReason, { unified: 'stop', raw: 'stop' });
  assert.equal(parts.at(-1).usage.inputTokens.cacheRead, 3);
  assert.deepEqual(parts.at(-1).providerMetadata.kinglet, { timings: { prefill_ms: 1, decode_ms: 2, reused_tokens: 3 } });
  assert.deepEqual(parts[1], {
    type: 'response-metadata',
    id: 'chatcmpl-1',
    timestamp: new Date(1_700_000_000_000),
    modelId: 'scripted',
  });
  assert.equal(client.ended, 1);
});

test('a reader that goes away stops the engine; what is not read is not computed', async () => {
  const { client, model: scriptedModel } = model([{ content: 'a long answer that nobody reads to its end' }]);
  const { stream } = await scriptedModel.doStream({ prompt: [] });
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(client.pulled, 0);
  const reader = stream.getReader();
  for (let i = 0; i < 4; i += 1) await reader.read();
  await reader.cancel();
  assert.equal(client.ended, 1);
  assert.ok(client.pulled <= 4, `${client.pulled} chunks`);
});

test('raw chunks where they are asked for', async () => {
  const { model: scriptedModel } = model([{ content: 'ab' }]);
  const { stream } = await scriptedModel.doStream({ prompt: [], includeRawChunks: true });
  const raw = (await collect(stream)).filter(({ type }) => type === 'raw');
  assert.equal(raw[0].rawValue.object, 'chat.completion.chunk');
});

test('every setting arrives under its own name, and what has no effect is warned of', async () => {
  const { client, model: scriptedModel } = model([{ content: 'x' }]);
  const { warnings } = await scriptedModel.doGenerate({
    prompt: [{ role: 'system', content: 's' }],
    maxOutputTokens: 9,
    temperature: 0.5,
    topP: 0.9,
    topK: 40,
    presencePenalty: 0.1,
    frequencyPenalty: 0.2,
    stopSequences: ['END'],
    seed: 3,
    reasoning: 'high',
    headers: { 'user-agent': 'x' },
    tools: [{ type: 'provider', id: 'other.search', name: 'search', args: {} }],
    toolChoice: { type: 'auto' },
    providerOptions: { kinglet: { min_p: 0.05, kinglet: { regex: 'a+' } }, openai: { user: 'ignored' } },
  });
  assert.deepEqual(client.requests[0], {
    messages: [{ role: 'system', content: 's' }],
    max_completion_tokens: 9,
    temperature: 0.5,
    top_p: 0.9,
    presence_penalty: 0.1,
    frequency_penalty: 0.2,
    stop: ['END'],
    seed: 3,
    kinglet: { top_k: 40, min_p: 0.05, regex: 'a+' },
  });
  assert.deepEqual(warnings.map(({ type, feature }) => [type, feature]), [['unsupported', 'reasoning'], ['unsupported', 'tool other.search']]);
});

test('nothing that was not set is sent', async () => {
  const { client, model: scriptedModel } = model([{ content: 'x' }]);
  await scriptedModel.doGenerate({ prompt: [{ role: 'user', content: [{ type: 'text', text: 'hi' }] }], stopSequences: [] });
  assert.deepEqual(client.requests[0], { messages: [{ role: 'user', content: 'hi' }] });
});

test('several answers to one call are refused, not dropped', async () => {
  const { client, model: scriptedModel } = model([]);
  const ask = generateText({ model: scriptedModel, prompt: 'x', providerOptions: { kinglet: { n: 2 } } });
  await assert.rejects(ask, (error) => error.code === 'invalid_request' && error.detail.param === 'n');
  assert.equal(client.requests.length, 0);
});

test('log-probabilities of real weights, whole and streamed', { skip }, async () => {
  const providerOptions = { kinglet: { logprobs: true, top_logprobs: 2 } };
  const options = { model: createKingletProvider(real.kinglet)(), prompt: QUESTION, temperature: 0, maxOutputTokens: 4, providerOptions };
  const whole = (await generateText(options)).providerMetadata.kinglet.logprobs;
  assert.ok(whole.content[0].logprob <= 0 && whole.content[0].top_logprobs.length === 2);
  const stream = streamText(options);
  await stream.consumeStream();
  assert.deepEqual((await stream.providerMetadata).kinglet.logprobs.content.map(({ token }) => token), whole.content.map(({ token }) => token));
});

test('messages of every kind', async () => {
  const { client, model: scriptedModel } = model([{ content: 'x' }]);
  const result = (output) => ({ type: 'tool-result', toolCallId: 'c1', toolName: 'look', output });
  await scriptedModel.doGenerate({
    prompt: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'read this' },
          { type: 'file', mediaType: 'text/plain', data: { type: 'data', data: btoa('from base64') } },
          { type: 'file', mediaType: 'text', data: { type: 'text', text: 'inline' } },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'hm' },
          { type: 'tool-call', toolCallId: 'c1', toolName: 'look', input: { at: 1 } },
        ],
      },
      {
        role: 'tool',
        content: [
          result({ type: 'text', value: 't' }),
          result({ type: 'json', value: { a: [1] } }),
          result({ type: 'error-text', value: 'bad' }),
          result({ type: 'error-json', value: 'bad' }),
          result({ type: 'execution-denied' }),
          result({ type: 'content', value: [{ type: 'text', text: 'p' }, { type: 'text', text: 'q' }] }),
        ],
      },
      { role: 'assistant', content: [{ type: 'text', text: 'done' }] },
    ],
  });
  const results = (text) => ({ role: 'tool', tool_call_id: 'c1', name: 'look', content: text });
  assert.deepEqual(client.requests[0].messages, [
    { role: 'user', content: ['read this', 'from base64', 'inline'].map((text) => ({ type: 'text', text })) },
    { role: 'assistant', content: null, tool_calls: [call('c1', 'look', { at: 1 })] },
    ...['t', '{"a":[1]}', 'bad', '"bad"', 'The call was denied.', 'p\nq'].map(results),
    { role: 'assistant', content: 'done' },
  ]);
});

test('an image is refused by its place before the engine is asked', async () => {
  const { client, model: scriptedModel } = model([]);
  const image = { type: 'image', image: new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]), mediaType: 'image/png' };
  const messages = [{ role: 'user', content: [{ type: 'text', text: 'what is this?' }, image] }];
  await assert.rejects(generateText({ model: scriptedModel, messages }), (error) => {
    assert.ok(error instanceof KingletError && APICallError.isInstance(error));
    assert.equal(error.code, 'invalid_request');
    assert.equal(error.detail.param, 'messages[0].content[1]');
    return true;
  });
  assert.equal(client.requests.length, 0);
});

const WEATHER = { weather: tool({ inputSchema: z.object({ city: z.string() }), execute: async ({ city }) => ({ city, degrees: 21 }) }) };
const LOOP = [{ tool_calls: [call('c1', 'weather', { city: 'Rome' })] }, { content: 'It is 21 degrees.' }];

function checkLoop({ requests }) {
  assert.equal(requests.length, 2);
  const [first, second] = requests;
  assert.equal(first.tool_choice, 'auto');
  assert.deepEqual(first.tools[0].function.parameters.properties, { city: { type: 'string' } });
  assert.deepEqual(second.messages.slice(1), [
    { role: 'assistant', content: null, tool_calls: [call('c1', 'weather', { city: 'Rome' })] },
    { role: 'tool', tool_call_id: 'c1', name: 'weather', content: '{"city":"Rome","degrees":21}' },
  ]);
}

test('a loop over tools with generateText', async () => {
  const { client, model: scriptedModel } = model(LOOP);
  const answer = await generateText({ model: scriptedModel, prompt: 'Rome?', tools: WEATHER, stopWhen: stepCountIs(3) });
  assert.equal(answer.text, 'It is 21 degrees.');
  assert.equal(answer.steps[0].finishReason, 'tool-calls');
  assert.deepEqual(answer.steps[0].toolCalls[0].input, { city: 'Rome' });
  checkLoop(client);
});

test('a loop over tools with streamText, the input in pieces', async () => {
  const { client, model: scriptedModel } = model(LOOP);
  const stream = streamText({ model: scriptedModel, prompt: 'Rome?', tools: WEATHER, stopWhen: stepCountIs(3) });
  const parts = await collect(stream.fullStream);
  const input = parts.filter(({ type }) => type.startsWith('tool-'));
  assert.deepEqual([...new Set(input.map(({ type }) => type))], [
    'tool-input-start',
    'tool-input-delta',
    'tool-input-end',
    'tool-call',
    'tool-result',
  ]);
  assert.equal(input.map(({ delta }) => delta ?? '').join(''), '{"city":"Rome"}');
  assert.equal(await stream.text, 'It is 21 degrees.');
  checkLoop(client);
});

test('two calls at once, a forced tool, no tool', async () => {
  const two = [call('c1', 'weather', { city: 'Rome' }), call('c2', 'weather', { city: 'Oslo' })];
  const { client, model: scriptedModel } = model([{ tool_calls: two }, { tool_calls: two.slice(1) }, { content: 'x' }]);
  const ask = (toolChoice) => generateText({ model: scriptedModel, prompt: '?', tools: WEATHER, toolChoice });
  const answer = await ask('required');
  assert.deepEqual(answer.toolResults.map(({ output }) => output.city), ['Rome', 'Oslo']);
  await ask({ type: 'tool', toolName: 'weather' });
  await ask('none');
  const forced = { type: 'function', function: { name: 'weather' } };
  assert.deepEqual(client.requests.map(({ tool_choice }) => tool_choice), ['required', forced, 'none']);
});

test('a tool call that was cut off is not run', async () => {
  const cut = { ...call('c1', 'weather', {}), function: { name: 'weather', arguments: '{"city": "R' } };
  const { model: scriptedModel } = model([{ tool_calls: [cut], finish_reason: 'length' }]);
  const { stream } = await scriptedModel.doStream({ prompt: [] });
  const types = (await collect(stream)).map(({ type }) => type);
  assert.ok(types.includes('tool-input-start') && !types.includes('tool-call'), types.join());
});

test('at its length an answer loses the call that was cut off, and no other, whole and streamed', async () => {
  const whole = [call('c1', 'weather', { city: 'Rome' }), call('c2', 'weather', { city: 'Oslo' })];
  const cut = { ...whole[1], function: { name: 'weather', arguments: '{"city": "O' } };
  for (const [tool_calls, expected] of [[[cut], []], [[whole[0], cut], ['c1']], [whole, ['c1', 'c2']]]) {
    const turn = { content: 'x', tool_calls, finish_reason: 'length' };
    const { model: scriptedModel } = model([turn, turn]);
    const { content } = await scriptedModel.doGenerate({ prompt: [] });
    const parts = await collect((await scriptedModel.doStream({ prompt: [] })).stream);
    for (const all of [content, parts]) {
      assert.deepEqual(all.filter(({ type }) => type === 'tool-call').map(({ toolCallId }) => toolCallId), expected);
    }
  }
});

test('every parameter that is not OpenAI\'s gets to its place', () => {
  const types = readFileSync(new URL('../../pkg/src/openai.ts', import.meta.url), 'utf8');
  const names = ['OwnParams', 'OwnChatParams'].flatMap((name) => {
    const body = new RegExp(`export interface ${name} [^{]*\\{(.*?)^\\}`, 'ms').exec(types)[1];
    return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map((match) => match[1]);
  });
  assert.ok(names.includes('lark') && names.includes('chat_template_kwargs'), names.join());
  for (const name of names) assert.deepEqual(placed({ [name]: 1, seed: 2 }), { seed: 2, kinglet: { [name]: 1 } });
  assert.deepEqual(placed({ top_k: 1, kinglet: { top_k: 2, lark: 'x' } }), { kinglet: { top_k: 2, lark: 'x' } });
});

const BIRD = z.object({ name: z.string(), grams: z.number() });
const FORMAT = { type: 'object', properties: { name: { type: 'string' }, grams: { type: 'number' } } };

test('generateObject, streamObject and Output.object ask for their schema', async () => {
  const wren = { name: 'wren', grams: 9.5 };
  const json = JSON.stringify(wren);
  const { client, model: scriptedModel } = model([{ content: json }, { content: json }, { content: json }, { content: json }]);
  const { object } = await generateObject({ model: scriptedModel, prompt: 'a bird', schema: BIRD, schemaName: 'bird' });
  assert.deepEqual(object, wren);
  const stream = streamObject({ model: scriptedModel, prompt: 'a bird', schema: BIRD });
  const partial = await collect(stream.partialObjectStream);
  assert.deepEqual(await stream.object, wren);
  assert.ok(partial.length > 1);
  const { output } = await generateText({ model: scriptedModel, prompt: 'a bird', output: Output.object({ schema: BIRD }) });
  assert.deepEqual(output, wren);
  await generateObject({ model: scriptedModel, prompt: 'any', output: 'no-schema' });
  const [first, second, third, fourth] = client.requests.map(({ response_format }) => response_format);
  for (const format of [first, second, third]) {
    assert.equal(format.type, 'json_schema');
    assert.equal(format.json_schema.strict, true);
    assert.deepEqual(format.json_schema.schema.properties, FORMAT.properties);
  }
  assert.deepEqual([first.json_schema.name, second.json_schema.name], ['bird', 'response']);
  assert.deepEqual(fourth, { type: 'json_object' });
});

const CITIES = ['Rome', 'Oslo'];

test('objects from real weights satisfy their schema, whole and streamed', { skip }, async () => {
  const schema = z.object({ city: z.enum(CITIES), degrees: z.number().int().min(-9).max(40) });
  const options = { model: createKingletProvider(real.kinglet)(), prompt: 'Hello', seed: 3, maxOutputTokens: 256 };
  const { object } = await generateObject({ ...options, schema });
  assert.deepEqual(schema.parse(object), object);
  const stream = streamObject({ ...options, schema });
  const partial = await collect(stream.partialObjectStream);
  assert.ok(partial.length > 1);
  assert.deepEqual(await stream.object, object);
  const { output } = await generateText({ ...options, output: Output.object({ schema }) });
  assert.deepEqual(output, object);
});

test('tools from real weights: called with arguments that fit, run, and answered', { skip }, async () => {
  const { kinglet, close } = await nodeKinglet(await toolModel());
  try {
    const messages = [{ role: 'user', content: 'Hello' }];
    const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } }];
    const counted = await kinglet.countTokens(messages, { tools });
    const { usage } = await kinglet.chat.completions.create({ messages, tools, max_tokens: 1 });
    assert.equal(counted, usage.prompt_tokens);
    assert.ok(counted > 10 + (await kinglet.countTokens(messages, { tools, tool_choice: 'none' })));
    const asked = [];
    const inputSchema = z.object({ city: z.enum(CITIES) });
    const weather = tool({ inputSchema, execute: async ({ city }) => (asked.push(city), { city, degrees: 21 }) });
    const options = { model: createKingletProvider(kinglet)(), prompt: 'Hello', tools: { weather }, seed: 1, maxOutputTokens: 256 };
    const answer = await generateText({
      ...options,
      stopWhen: stepCountIs(2),
      // The second time the model may say what it likes.
      prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? 'required' : 'none' }),
    });
    assert.equal(answer.steps.length, 2);
    assert.equal(answer.steps[0].finishReason, 'tool-calls');
    assert.deepEqual(answer.steps[0].toolResults[0].output, { city: asked[0], degrees: 21 });
    const stream = streamText({ ...options, toolChoice: { type: 'tool', toolName: 'weather' }, stopWhen: stepCountIs(1) });
    const types = (await collect(stream.fullStream)).map(({ type }) => type);
    assert.ok(types.includes('tool-input-delta') && types.includes('tool-result'), types.join());
    assert.ok(asked.every((city) => CITIES.includes(city)) && asked.length >= 2, asked.join());
  } finally {
    close();
  }
});

test('a template that knows no tools is an error that says so', { skip }, async () => {
  const ask = generateText({ model: createKingletProvider(real.kinglet)(), prompt: 'Hello', tools: WEATHER });
  await assert.rejects(ask, (error) => error.detail.param === 'tools' && error.statusCode === 400);
});

test('a failure keeps code and detail, is an APICallError, and is not tried again', async () => {
  const failure = new KingletError('context_overflow', 'too long', { needed: 9, available: 8 });
  const check = (error) => {
    assert.ok(error instanceof KingletCallError && error instanceof KingletError && APICallError.isInstance(error));
    assert.equal(error.code, 'context_overflow');
    assert.equal(error.statusCode, 400);
    assert.deepEqual(error.data, { code: 'context_overflow', message: 'too long', detail: { needed: 9, available: 8 } });
    assert.equal(error.cause, failure);
    return true;
  };
  const whole = model([failure]);
  await assert.rejects(generateText({ model: whole.model, prompt: 'x' }), check);
  assert.equal(whole.client.requests.length, 1);
  const streamed = model([failure]);
  const errors = [];
  const stream = streamText({ model: streamed.model, prompt: 'x', onError: ({ error }) => errors.push(error) });
  await stream.consumeStream();
  assert.equal(errors.length, 1);
  check(errors[0]);
  assert.equal(streamed.client.requests.length, 1);
  const [lost] = [model([new KingletError('gpu_lost', 'lost')])];
  await assert.rejects(generateText({ model: lost.model, prompt: 'x' }), (error) => error.statusCode === 500);
});

test('an aborted generateText is an AbortError, whatever the reason', { skip }, async () => {
  const provider = createKingletProvider(real.kinglet);
  const providerOptions = { kinglet: real.endless };
  const ask = (abortSignal) =>
    generateText({ model: provider(), prompt: 'Hello', maxOutputTokens: 900, abortSignal, maxRetries: 0, providerOptions });
  const control = new AbortController();
  setTimeout(() => control.abort('enough'), 20);
  await assert.rejects(ask(control.signal), (error) => error.name === 'AbortError');
  await assert.rejects(ask(AbortSignal.timeout(20)), (error) => error.name === 'TimeoutError');
});

test('embed and embedMany', async () => {
  const embeddings = ({ input }) => ({
    object: 'list',
    model: 'scripted',
    // Out of order on purpose: the index counts.
    data: input.map((text, index) => ({ object: 'embedding', index, embedding: [text.length, index] })).toReversed(),
    usage: { prompt_tokens: input.length * 2, total_tokens: input.length * 2 },
  });
  const client = scripted([], { embeddings });
  const embedding = createKingletProvider(client).embeddingModel();
  assert.deepEqual((await embed({ model: embedding, value: 'abc' })).embedding, [3, 0]);
  const many = await embedMany({ model: embedding, values: ['a', 'bb'] });
  assert.deepEqual(many.embeddings, [[1, 0], [2, 1]]);
  assert.equal(many.usage.tokens, 4);
  assert.deepEqual(client.requests[1], { input: ['a', 'bb'], encoding_format: 'float' });
  await embed({ model: embedding, value: 'abc', providerOptions: { kinglet: { pooling: 'last', dimensions: 2 } } });
  assert.deepEqual(client.requests[2], { input: ['abc'], encoding_format: 'float', dimensions: 2, kinglet: { pooling: 'last' } });
  const none = { info: client.info, chat: client.chat };
  const without = embed({ model: createKingletProvider(none).embeddingModel(), value: 'x' });
  await assert.rejects(without, (error) => error.code === 'unsupported_feature');
});

test('embeddings of real weights are those of the engine itself', { skip }, async () => {
  const input = ['Where is my parcel?', 'I want my money back.'];
  const { data, usage } = await real.kinglet.embeddings.create({ input });
  const embedding = createKingletProvider(real.kinglet).embeddingModel();
  const many = await embedMany({ model: embedding, values: input });
  assert.deepEqual(many.embeddings, data.map((each) => each.embedding));
  assert.equal(many.usage.tokens, usage.prompt_tokens);
  const { embedding: short } = await embed({ model: embedding, value: input[0], providerOptions: { kinglet: { dimensions: 8 } } });
  assert.equal(short.length, 8);
});

test('several engines by name, a registry, and a model that is not there', async () => {
  const provider = createKingletProvider({ big: scripted([{ content: 'b' }]), small: Promise.resolve(scripted([{ content: 's' }])) });
  const registry = createProviderRegistry({ kinglet: provider });
  assert.equal((await generateText({ model: registry.languageModel('kinglet:small'), prompt: 'x' })).text, 's');
  assert.equal((await generateText({ model: provider('big'), prompt: 'x' })).text, 'b');
  for (const wrong of [() => provider('medium'), () => provider.embeddingModel('toString'), () => provider.imageModel('big')]) {
    assert.throws(wrong, (error) => NoSuchModelError.isInstance(error) && error.code === 'invalid_request');
  }
});

test('an engine that is still loading, and one that failed to', async () => {
  const loading = new Promise((resolve) => setTimeout(() => resolve(scripted([{ content: 'late' }])), 10));
  assert.equal((await generateText({ model: createKingletProvider(loading)(), prompt: 'x' })).text, 'late');
  const failed = Promise.reject(new KingletError('bad_file', 'not a GGUF file'));
  failed.catch(() => undefined);
  await assert.rejects(generateText({ model: createKingletProvider(failed)(), prompt: 'x' }), (error) => error.code === 'bad_file');
});

test('an agent behind the SDK\'s chat, without a server: real weights', { skip }, async () => {
  const agent = new ToolLoopAgent({ model: createKingletProvider(real.kinglet)(), maxOutputTokens: 16, temperature: 0 });
  const transport = new DirectChatTransport({ agent });
  const messages = [{ id: 'm1', role: 'user', parts: [{ type: 'text', text: QUESTION }] }];
  const stream = await transport.sendMessages({ trigger: 'submit-message', chatId: 'c1', messages });
  const text = (await collect(stream)).map(({ type, delta }) => (type === 'text-delta' ? delta : '')).join('');
  const direct = await real.kinglet.chat.completions.create({
    messages: [{ role: 'user', content: QUESTION }],
    temperature: 0,
    max_tokens: 16,
  });
  assert.equal(text, direct.choices[0].message.content);
});

test('the provider loads nothing of the SDK', () => {
  const seen = new Set();
  const walk = (file) => {
    if (seen.has(file.href)) return;
    seen.add(file.href);
    assert.ok(existsSync(file), file.href);
    for (const [, name] of readFileSync(file, 'utf8').matchAll(/\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g)) {
      assert.match(name, /^\.\.?\//, `${file.href} imports ${name}`);
      walk(new URL(name, file));
    }
  };
  walk(new URL('../../pkg/dist/adapters/ai-sdk.js', import.meta.url));
  assert.ok(seen.size > 4, [...seen].join());
});
