// `kinglet/langchain` under the real `@langchain/core`: in front of real weights, and of answers that are written down.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AIMessage,
  AIMessageChunk,
  ChatMessage,
  FunctionMessage,
  HumanMessage,
  SystemMessage,
  ToolMessage,
} from '@langchain/core/messages';
import { StringOutputParser } from '@langchain/core/output_parsers';
import { ChatPromptTemplate } from '@langchain/core/prompts';
import { tool } from '@langchain/core/tools';
import { z } from 'zod';
import { ChatKinglet, KingletEmbeddings } from '../../pkg/dist/adapters/langchain.js';
import { KingletError } from '../../pkg/dist/index.js';
import { collect, deskNano, QUESTION, skip } from './support/adapters.mjs';
import { nodeKinglet } from './support/node-engine.mjs';
import { call, scripted } from './support/scripted.mjs';
import { toolModel } from './support/tool-model.mjs';
import { eventually } from './support/wait.mjs';

const real = deskNano();

const model = (turns, fields = {}) => {
  const client = scripted(turns);
  return { client, model: new ChatKinglet({ kinglet: client, ...fields }) };
};
const sum = (chunks) => chunks.reduce((a, b) => a.concat(b));

test('invoke with real weights answers as the engine itself', { skip }, async () => {
  const { kinglet } = real;
  const messages = [{ role: 'user', content: QUESTION }];
  const direct = await kinglet.chat.completions.create({ messages, temperature: 0, max_tokens: 16 });
  const chat = new ChatKinglet({ kinglet, temperature: 0, maxTokens: 16 });
  const answer = await chat.invoke(QUESTION);
  assert.ok(AIMessage.isInstance(answer) && answer.text.length > 0);
  assert.equal(answer.text, direct.choices[0].message.content);
  assert.equal(answer.usage_metadata.input_tokens, direct.usage.prompt_tokens);
  assert.equal(answer.usage_metadata.total_tokens, direct.usage.total_tokens);
  assert.equal(answer.response_metadata.model_name, 'desk-nano');
  assert.equal(answer.response_metadata.finish_reason, 'stop');
  assert.ok(answer.response_metadata.kinglet.timings.prefill_ms > 0);
});

test('stream with real weights says the same in pieces, in a chain of prompt, model and parser', { skip }, async () => {
  const { kinglet } = real;
  const messages = [{ role: 'user', content: 'Hello' }];
  const direct = await kinglet.chat.completions.create({ messages, temperature: 0, max_tokens: 40, ...real.endless });
  const chat = new ChatKinglet({ kinglet, temperature: 0, maxTokens: 40, modelKwargs: real.endless });
  const whole = sum(await collect(await chat.stream('Hello')));
  assert.equal(whole.text, direct.choices[0].message.content);
  assert.equal(whole.usage_metadata.output_tokens, 40);
  assert.equal(whole.response_metadata.finish_reason, 'length');
  assert.equal(whole.response_metadata.model_name, 'desk-nano');
  const chain = ChatPromptTemplate.fromMessages([['human', '{greeting}']]).pipe(chat).pipe(new StringOutputParser());
  const pieces = await collect(await chain.stream({ greeting: 'Hello' }));
  assert.ok(pieces.length > 3, `${pieces.length} pieces`);
  assert.equal(pieces.join(''), direct.choices[0].message.content);
});

test('a signal stops real weights, invoked and streamed, and frees them for the next', { skip }, async () => {
  // Minutes of work: an engine that is not freed is noticed, on a slow machine, too.
  const chat = new ChatKinglet({ kinglet: real.kinglet, maxTokens: 50_000, modelKwargs: { ...real.endless, kinglet: { context_shift: true } } });
  const started = performance.now();
  await assert.rejects(chat.invoke('Hello', { signal: AbortSignal.timeout(20) }), /abort/i);
  const control = new AbortController();
  let seen = 0;
  const run = async () => {
    for await (const _ of await chat.stream('Hello', { signal: control.signal })) {
      seen += 1;
      if (seen === 3) control.abort();
    }
  };
  await assert.rejects(run(), /abort/i);
  assert.ok(seen <= 5, `${seen} chunks`);
  const next = await new ChatKinglet({ kinglet: real.kinglet, temperature: 0, maxTokens: 4 }).invoke(QUESTION);
  assert.ok(next.text.length > 0);
  assert.ok(performance.now() - started < 30_000, 'the engine was not freed');
});

test('a batch is answered in order, and several answers to one call are refused', { skip }, async () => {
  const chat = new ChatKinglet({ kinglet: real.kinglet, temperature: 0, maxTokens: 8 });
  const [hello, spam] = await chat.batch(['Hello', QUESTION]);
  assert.deepEqual([hello.text, spam.text], [(await chat.invoke('Hello')).text, (await chat.invoke(QUESTION)).text]);
  const two = new ChatKinglet({ kinglet: real.kinglet, modelKwargs: { n: 2 } });
  await assert.rejects(two.invoke('Hello'), (error) => error.detail.param === 'n');
});

test('leaving the loop stops the engine', async () => {
  const { client, model: chat } = model([{ content: 'a long answer that nobody reads to its end' }]);
  for await (const chunk of await chat.stream('x')) {
    if (chunk.text) break;
  }
  assert.equal(await eventually(() => client.ended, (ended) => ended > 0), 1);
  assert.ok(client.pulled <= 5, `${client.pulled} chunks`);
});

test('every setting arrives under its own name; options of a call win', async () => {
  const fields = {
    temperature: 0.5,
    topP: 0.9,
    topK: 40,
    minP: 0.05,
    presencePenalty: 0.1,
    frequencyPenalty: 0.2,
    maxTokens: 9,
    seed: 3,
    stop: ['END'],
    logprobs: true,
    topLogprobs: 2,
    modelKwargs: { kinglet: { regex: 'a+' } },
  };
  const { client, model: chat } = model([{ content: 'x' }, { content: 'x' }], fields);
  await chat.invoke('hi');
  const body = {
    messages: [{ role: 'user', content: 'hi' }],
    temperature: 0.5,
    top_p: 0.9,
    presence_penalty: 0.1,
    frequency_penalty: 0.2,
    max_completion_tokens: 9,
    seed: 3,
    stop: ['END'],
    logprobs: true,
    top_logprobs: 2,
    kinglet: { top_k: 40, min_p: 0.05, regex: 'a+' },
  };
  assert.deepEqual(client.requests[0], body);
  await chat.invoke('hi', { temperature: 0, stop: ['.'], maxTokens: 1 });
  assert.deepEqual(client.requests[1], { ...body, temperature: 0, stop: ['.'], max_completion_tokens: 1 });
});

test('nothing that was not set is sent', async () => {
  const { client, model: chat } = model([{ content: 'x' }]);
  await chat.invoke('hi');
  assert.deepEqual(client.requests[0], { messages: [{ role: 'user', content: 'hi' }] });
});

test('messages of every kind', async () => {
  const { client, model: chat } = model([{ content: 'x' }]);
  await chat.invoke([
    new SystemMessage('s'),
    new HumanMessage({ content: [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }], name: 'ann' }),
    new AIMessage({ content: '', tool_calls: [{ id: 'c1', name: 'look', args: { at: 1 }, type: 'tool_call' }] }),
    new ToolMessage({ content: 'seen', tool_call_id: 'c1', name: 'look' }),
    new AIMessage({ content: [{ type: 'thinking', thinking: 'hm' }, { type: 'text', text: 'done' }] }),
    new ChatMessage({ role: 'judge', content: 'fair' }),
  ]);
  assert.deepEqual(client.requests[0].messages, [
    { role: 'system', content: 's' },
    { role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }], name: 'ann' },
    { role: 'assistant', content: null, tool_calls: [call('c1', 'look', { at: 1 })] },
    { role: 'tool', content: 'seen', tool_call_id: 'c1', name: 'look' },
    { role: 'assistant', content: 'done' },
    { role: 'judge', content: 'fair' },
  ]);
});

test('an image and a message of an unknown kind are refused by their place', async () => {
  const { client, model: chat } = model([]);
  const image = new HumanMessage({ content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }] });
  const refused = (param) => (error) => error instanceof KingletError && error.code === 'invalid_request' && error.detail.param === param;
  await assert.rejects(chat.invoke([new HumanMessage('x'), image]), refused('messages[1].content[0]'));
  await assert.rejects(chat.invoke([new FunctionMessage({ name: 'f', content: 'x' })]), refused('messages[0].type'));
  assert.equal(client.requests.length, 0);
});

const weather = tool(async ({ city }) => `21 degrees in ${city}`, {
  name: 'weather',
  description: 'The weather of a city.',
  schema: z.object({ city: z.string() }),
});
const ROME = call('c1', 'weather', { city: 'Rome' });

test('bindTools: a loop over a tool, invoked', async () => {
  const { client, model: chat } = model([{ tool_calls: [ROME] }, { content: 'It is 21 degrees.' }]);
  const bound = chat.bindTools([weather]);
  const messages = [new HumanMessage('Rome?')];
  const first = await bound.invoke(messages);
  assert.deepEqual(first.tool_calls, [{ id: 'c1', name: 'weather', args: { city: 'Rome' }, type: 'tool_call' }]);
  assert.equal(first.response_metadata.finish_reason, 'tool_calls');
  const result = await weather.invoke(first.tool_calls[0]);
  const second = await bound.invoke([...messages, first, result]);
  assert.equal(second.text, 'It is 21 degrees.');
  const [asked, again] = client.requests;
  assert.equal(asked.tools[0].type, 'function');
  assert.equal(asked.tools[0].function.name, 'weather');
  assert.deepEqual(asked.tools[0].function.parameters.properties, { city: { type: 'string' } });
  assert.deepEqual(again.messages.slice(1), [
    { role: 'assistant', content: null, tool_calls: [ROME] },
    { role: 'tool', content: '21 degrees in Rome', tool_call_id: 'c1', name: 'weather' },
  ]);
});

test('bindTools: calls in pieces add up to the calls', async () => {
  const two = [ROME, call('c2', 'weather', { city: 'Oslo' })];
  const { client, model: chat } = model([{ content: 'Let me look.', tool_calls: two }]);
  const chunks = await collect(await chat.bindTools([weather], { tool_choice: 'any' }).stream('?'));
  assert.ok(chunks.some((chunk) => chunk.tool_call_chunks.length > 0));
  const whole = sum(chunks);
  assert.ok(AIMessageChunk.isInstance(whole));
  assert.equal(whole.text, 'Let me look.');
  assert.deepEqual(whole.tool_calls.map(({ id, name, args }) => [id, name, args]), [
    ['c1', 'weather', { city: 'Rome' }],
    ['c2', 'weather', { city: 'Oslo' }],
  ]);
  const { input_tokens, output_tokens, total_tokens, input_token_details } = whole.usage_metadata;
  assert.deepEqual([input_tokens, output_tokens, total_tokens, input_token_details.cache_read], [7, 5, 12, 3]);
  assert.equal(client.requests[0].tool_choice, 'required');
});

test('a call whose arguments were cut off is an invalid call', async () => {
  const cut = { ...ROME, function: { name: 'weather', arguments: '{"city": "R' } };
  const list = { ...ROME, id: 'c2', function: { name: 'weather', arguments: '[1]' } };
  const { model: chat } = model([{ tool_calls: [cut, list], finish_reason: 'length' }]);
  const answer = await chat.bindTools([weather]).invoke('?');
  assert.deepEqual(answer.tool_calls, []);
  assert.deepEqual(answer.invalid_tool_calls.map(({ id, args }) => [id, args]), [['c1', '{"city": "R'], ['c2', '[1]']]);
});

const BIRD = z.object({ name: z.string(), grams: z.number() });
const WREN = { name: 'wren', grams: 9.5 };

test('withStructuredOutput by a schema, by a tool, by JSON alone', async () => {
  const json = { content: JSON.stringify(WREN) };
  const { client, model: chat } = model([json, { tool_calls: [call('c1', 'bird', WREN)] }, json, json]);
  assert.deepEqual(await chat.withStructuredOutput(BIRD, { name: 'bird' }).invoke('a bird'), WREN);
  assert.deepEqual(await chat.withStructuredOutput(BIRD, { name: 'bird', method: 'functionCalling' }).invoke('a bird'), WREN);
  const raw = await chat.withStructuredOutput(BIRD, { method: 'jsonMode', includeRaw: true }).invoke('a bird');
  assert.deepEqual(raw.parsed, WREN);
  assert.ok(AIMessage.isInstance(raw.raw));
  const plain = { title: 'wren', type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
  assert.deepEqual(await chat.withStructuredOutput(plain).invoke('a bird'), WREN);
  const [schema, called, free, given] = client.requests;
  assert.equal(schema.response_format.json_schema.name, 'bird');
  assert.deepEqual(schema.response_format.json_schema.schema.required, ['name', 'grams']);
  assert.deepEqual(called.tool_choice, { type: 'function', function: { name: 'bird' } });
  assert.deepEqual(free.response_format, { type: 'json_object' });
  assert.deepEqual(given.response_format, { type: 'json_schema', json_schema: { name: 'wren', schema: plain, strict: true } });
});

const REPORT = z.object({ city: z.enum(['Rome', 'Oslo']), sunny: z.boolean() });

test('withStructuredOutput with real weights satisfies the schema', { skip }, async () => {
  const chat = new ChatKinglet({ kinglet: real.kinglet, seed: 3, maxTokens: 256 });
  const report = await chat.withStructuredOutput(REPORT).invoke('Hello');
  assert.deepEqual(REPORT.parse(report), report);
});

test('tools with real weights: bound, called, streamed, answered', { skip }, async () => {
  const { kinglet, close } = await nodeKinglet(await toolModel());
  try {
    const chat = new ChatKinglet({ kinglet, seed: 1, maxTokens: 256 });
    const report = tool(async ({ city }) => `21 degrees in ${city}`, { name: 'report', description: 'The weather.', schema: REPORT });
    const bound = chat.bindTools([report], { tool_choice: 'any' });
    const messages = [new HumanMessage('Hello')];
    const first = await bound.invoke(messages);
    assert.deepEqual(first.invalid_tool_calls, []);
    assert.deepEqual(REPORT.parse(first.tool_calls[0].args), first.tool_calls[0].args);
    const whole = sum(await collect(await bound.stream(messages)));
    assert.deepEqual(whole.tool_calls.map(({ name, args }) => [name, args]), first.tool_calls.map(({ name, args }) => [name, args]));
    const result = await report.invoke(first.tool_calls[0]);
    const answer = await chat.bindTools([report], { tool_choice: 'none' }).invoke([...messages, first, result]);
    assert.ok(answer.usage_metadata.output_tokens >= 0);
    assert.deepEqual(answer.tool_calls, []);
    const called = await chat.withStructuredOutput(REPORT, { method: 'functionCalling', name: 'report' }).invoke('Hello');
    assert.deepEqual(REPORT.parse(called), called);
  } finally {
    close();
  }
});

test('an answer that does not satisfy the schema is an error', async () => {
  const { model: chat } = model([{ content: '{"name": 1}' }]);
  await assert.rejects(chat.withStructuredOutput(BIRD).invoke('a bird'), /parse|valid/i);
});

test('a failure of the engine arrives as it is, and is not tried again', async () => {
  const failure = new KingletError('context_overflow', 'too long', { needed: 9 });
  const { client, model: chat } = model([failure, failure]);
  await assert.rejects(chat.invoke('x'), (error) => error === failure);
  await assert.rejects(collect(await chat.stream('x')), (error) => error === failure);
  assert.equal(client.requests.length, 2);
});

test('callbacks hear every token', async () => {
  const { model: chat } = model([{ content: 'one two' }]);
  const tokens = [];
  let usage;
  const callbacks = [
    {
      handleLLMNewToken: (token) => void tokens.push(token),
      handleLLMEnd: (output) => void (usage = output.generations[0][0].message.usage_metadata),
    },
  ];
  await collect(await chat.stream('x', { callbacks }));
  assert.equal(tokens.join(''), 'one two');
  assert.equal(usage.total_tokens, 12);
});

test('embeddings, in batches', async () => {
  const embeddings = ({ input }) => ({
    data: input.map((text, index) => ({ index, embedding: [text.length, 1] })).toReversed(),
    usage: { prompt_tokens: input.length },
  });
  const client = scripted([], { embeddings });
  const vectors = new KingletEmbeddings({ kinglet: Promise.resolve(client), batchSize: 2 });
  assert.deepEqual(await vectors.embedDocuments(['a', 'bb', 'ccc']), [[1, 1], [2, 1], [3, 1]]);
  assert.deepEqual(await vectors.embedQuery('four'), [4, 1]);
  assert.deepEqual(await vectors.embedDocuments([]), []);
  assert.deepEqual(client.requests.map(({ input }) => input), [['a', 'bb'], ['ccc'], ['four']]);
});

test('embeddings of real weights are those of the engine itself', { skip }, async () => {
  const documents = ['Where is my parcel?', 'I want my money back.'];
  const { data } = await real.kinglet.embeddings.create({ input: documents });
  const vectors = new KingletEmbeddings({ kinglet: real.kinglet });
  assert.deepEqual(await vectors.embedDocuments(documents), data.map(({ embedding }) => embedding));
  assert.equal((await vectors.embedQuery(documents[0])).length, data[0].embedding.length);
});
