// What the official clients are asked to do, once for the record (tools/openai_requests.mjs) and once in front of kinglet
// (openai-clients.test.mjs). Every call: its name, `run(baseURL)` with the real client, which gives what the client made of
// the answer as `{texts, calls, tokens, object}` or `{vectors}`, and `expect`: "ok", "call" (a tool must be called), or code
// and parameter of the error that docs/api.md promises.
import { readFileSync } from 'node:fs';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { HumanMessage, SystemMessage } from '@langchain/core/messages';
import { tool as langchainTool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAI as LangchainOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { embed, embedMany, generateObject, generateText, stepCountIs, streamObject, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';

const version = (name) =>
  JSON.parse(readFileSync(new URL(`../../../node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;
const apiKey = 'none';
const invalid = (param) => ({ code: 'invalid_request', param });

const HELLO = [{ role: 'user', content: 'Hello' }];
// Closed sets: an answer under them is short, whatever the model would like to say.
const BIRD = z.object({ name: z.enum(['wren', 'robin']), small: z.boolean() });
const CITIES = ['Rome', 'Oslo'];
const WEATHER = {
  type: 'function',
  function: {
    name: 'weather',
    description: 'The weather of a city.',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string', enum: CITIES } },
      required: ['city'],
      additionalProperties: false,
    },
    strict: true,
  },
};
const TOOL_TURN = [
  { role: 'user', content: 'Rome?' },
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } }],
  },
  { role: 'tool', tool_call_id: 'call_1', content: '{"degrees":21}' },
];
/** Room for what must be whole: a model that knows nothing fills it with blanks. The same answer every time. */
const LONG = { max_completion_tokens: 256, seed: 7 };
/** A picture of one pixel. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const all = async (stream) => {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return parts;
};

// ---- openai -------------------------------------------------------------------------------------------------------

/** What the client made of an answer, or of its chunks. */
function said(answer) {
  const chunks = Array.isArray(answer) ? answer : [answer];
  const texts = [];
  const calls = [];
  for (const { index, text, message, delta } of chunks.flatMap(({ choices }) => choices)) {
    const { content, tool_calls } = message ?? delta ?? {};
    texts[index] = (texts[index] ?? '') + (text ?? content ?? '');
    for (const [i, { index: place = i, function: called }] of (tool_calls ?? []).entries()) {
      const call = (calls[place] ??= { name: '', args: '' });
      call.name += called.name ?? '';
      call.args += called.arguments ?? '';
    }
  }
  return { texts, calls: calls.map(({ name, args }) => ({ name, args: JSON.parse(args) })), tokens: chunks.at(-1).usage?.completion_tokens };
}
const client = (baseURL) => new OpenAI({ apiKey, baseURL, maxRetries: 0 });
const chat = (name, body, expect = 'ok') => ({
  name,
  expect,
  run: async (url) => {
    const answer = await client(url).chat.completions.create({ model: 'desk', max_completion_tokens: 8, ...body });
    return said(body.stream ? await all(answer) : answer);
  },
});
const completion = (name, body, expect = 'ok') => ({
  name,
  expect,
  run: async (url) => {
    const answer = await client(url).completions.create({ model: 'desk', max_tokens: 8, prompt: 'Hello', ...body });
    return said(body.stream ? await all(answer) : answer);
  },
});
const embeddings = (name, body, expect = 'ok') => ({
  name,
  expect,
  run: async (url) => {
    const { data } = await client(url).embeddings.create({ model: 'desk', ...body });
    return { vectors: data.map(({ embedding }) => embedding) };
  },
});

const openai = [
  {
    name: 'chat',
    expect: 'ok',
    run: async (url) => said(await client(url).chat.completions.create({ model: 'desk', messages: HELLO })),
  },
  chat('chat, streamed', { messages: HELLO, stream: true }),
  chat('chat, streamed with usage', { messages: HELLO, stream: true, stream_options: { include_usage: true } }),
  chat('chat, sampling', {
    messages: HELLO,
    temperature: 0.7,
    top_p: 0.9,
    presence_penalty: 0.1,
    frequency_penalty: 0.2,
    logit_bias: { 7: -100 },
    seed: 42,
    stop: '\n',
  }),
  chat('chat, what has no effect', { messages: HELLO, user: 'u1', metadata: { page: 'test' }, store: false }),
  {
    name: 'chat, max_tokens and stop list',
    expect: 'ok',
    run: async (url) =>
      said(await client(url).chat.completions.create({ model: 'desk', messages: HELLO, max_tokens: 4, stop: ['.', '\n'] })),
  },
  chat('chat, log-probabilities', { messages: HELLO, logprobs: true, top_logprobs: 3 }),
  chat('chat, log-probabilities, streamed', { messages: HELLO, logprobs: true, stream: true }),
  chat('chat, roles, names and text parts', {
    messages: [
      { role: 'developer', content: 'Be brief.' },
      { role: 'user', name: 'ann', content: [{ type: 'text', text: 'Hel' }, { type: 'text', text: 'lo' }] },
      { role: 'assistant', content: 'Hello!', refusal: null },
      { role: 'user', content: 'Hello' },
    ],
  }),
  chat('chat, two answers', { messages: HELLO, n: 2, seed: 1 }),
  chat('chat, two answers, streamed', { messages: HELLO, n: 2, seed: 1, stream: true }),
  chat(
    'chat, image',
    {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'what is this?' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } },
          ],
        },
      ],
    },
    invalid('messages[0].content[1]'),
  ),
  chat('chat, tools', { messages: HELLO, tools: [WEATHER] }),
  chat('chat, tools, streamed', { messages: HELLO, tools: [WEATHER], stream: true }),
  chat('chat, tools not to be called', { messages: HELLO, tools: [WEATHER], tool_choice: 'none' }),
  chat('chat, tools, one at a time', { messages: HELLO, tools: [WEATHER], parallel_tool_calls: false }),
  chat(
    'chat, tools, one must be called',
    { messages: HELLO, ...LONG, tools: [WEATHER], tool_choice: 'required' },
    'call',
  ),
  chat(
    'chat, tools, one must be called, streamed',
    { messages: HELLO, ...LONG, tools: [WEATHER], tool_choice: 'required', stream: true },
    'call',
  ),
  chat(
    'chat, this tool must be called',
    {
      messages: HELLO,
      ...LONG,
      tools: [WEATHER],
      tool_choice: { type: 'function', function: { name: 'weather' } },
    },
    'call',
  ),
  chat('chat, tool result', { messages: TOOL_TURN, tools: [WEATHER] }),
  {
    name: 'chat, json_schema by zod',
    expect: 'ok',
    run: async (url) => {
      const answer = await client(url).chat.completions.parse({
        model: 'desk',
        messages: HELLO,
        ...LONG,
        response_format: zodResponseFormat(BIRD, 'bird'),
      });
      return { ...said(answer), object: answer.choices[0].message.parsed };
    },
  },
  chat('chat, json_object', { messages: HELLO, response_format: { type: 'json_object' } }),
  chat('chat, text format', { messages: HELLO, response_format: { type: 'text' } }),
  chat('chat, reasoning_effort', { messages: HELLO, reasoning_effort: 'low' }, invalid('reasoning_effort')),
  chat('chat, service_tier', { messages: HELLO, service_tier: 'auto' }),
  chat('chat, audio', { messages: HELLO, modalities: ['text', 'audio'], audio: { voice: 'ash', format: 'wav' } }, invalid('modalities')),
  {
    name: 'chat, stream helper',
    expect: 'ok',
    run: async (url) => {
      const request = { model: 'desk', messages: HELLO, max_completion_tokens: 8, stream_options: { include_usage: true } };
      return said(await client(url).chat.completions.stream(request).finalChatCompletion());
    },
  },
  completion('completion', {}),
  completion('completion, streamed', { stream: true, stream_options: { include_usage: true } }),
  completion('completion, log-probabilities', { logprobs: 2, temperature: 0 }),
  completion('completion, suffix', { suffix: ' end' }, invalid('suffix')),
  completion('completion, several prompts', { prompt: ['Hello', 'Bye'] }),
  completion('completion, echo', { echo: true }),
  completion('completion, best_of', { best_of: 2 }, invalid('best_of')),
  embeddings('embedding', { input: 'Hello' }),
  embeddings('embeddings, as numbers', { input: ['Hello', 'Bye'], encoding_format: 'float' }),
  embeddings('embedding, fewer dimensions', { input: 'Hello', dimensions: 8 }),
];

// ---- the AI SDK ---------------------------------------------------------------------------------------------------

const compatible = (baseURL) => createOpenAICompatible({ name: 'local', baseURL, apiKey, includeUsage: true, supportsStructuredOutputs: true });
const official = (baseURL) => createOpenAI({ baseURL, apiKey });
const common = { maxOutputTokens: 8, maxRetries: 0 };
const aiWeather = {
  weather: tool({
    description: 'The weather of a city.',
    inputSchema: z.object({ city: z.enum(CITIES) }),
    execute: async ({ city }) => ({ city, degrees: 21 }),
  }),
};
const called = (calls) => calls.map(({ toolName: name, input: args }) => ({ name, args }));
const generated = async (options) => {
  const { text, usage, toolCalls } = await generateText({ ...common, ...options });
  return { texts: [text], calls: called(toolCalls), tokens: usage.outputTokens };
};
const generatedObject = async (options) => {
  const { object, usage } = await generateObject({ ...common, ...options });
  return { texts: [], tokens: usage.outputTokens, object };
};
/** Errors of a stream are told to a callback. */
const streamed = async (options) => {
  let failure;
  const stream = streamText({ ...common, ...options, onError: ({ error }) => (failure = error) });
  await stream.consumeStream();
  if (failure) throw failure;
  return { texts: [await stream.text], calls: called(await stream.toolCalls), tokens: (await stream.usage).outputTokens };
};
const streamedObject = async (options) => {
  let failure;
  const stream = streamObject({ ...common, ...options, onError: ({ error }) => (failure = error) });
  await all(stream.partialObjectStream).catch((error) => (failure ??= error));
  if (failure) throw failure;
  return { texts: [], tokens: (await stream.usage).outputTokens, object: await stream.object };
};

const flavours = (name, model) => [
  { name: `${name}: generateText`, expect: 'ok', run: (url) => generated({ model: model(url), prompt: 'Hello' }) },
  { name: `${name}: streamText`, expect: 'ok', run: (url) => streamed({ model: model(url), prompt: 'Hello' }) },
  {
    name: `${name}: generateText, every setting`,
    expect: 'ok',
    run: (url) =>
      generated({
        model: model(url),
        system: 'Be brief.',
        messages: HELLO,
        temperature: 0.7,
        topP: 0.9,
        presencePenalty: 0.1,
        frequencyPenalty: 0.2,
        seed: 42,
        stopSequences: ['\n'],
      }),
  },
  {
    name: `${name}: generateObject`,
    expect: 'ok',
    run: (url) => generatedObject({ maxOutputTokens: 256, seed: 7, model: model(url), prompt: 'Hello', schema: BIRD }),
  },
  {
    name: `${name}: streamObject`,
    expect: 'ok',
    run: (url) => streamedObject({ maxOutputTokens: 256, seed: 7, model: model(url), prompt: 'Hello', schema: BIRD }),
  },
  {
    name: `${name}: generateText with tools`,
    expect: 'ok',
    run: (url) => generated({ model: model(url), prompt: 'Hello', tools: aiWeather, stopWhen: stepCountIs(2) }),
  },
  {
    name: `${name}: streamText with tools`,
    expect: 'ok',
    run: (url) => streamed({ model: model(url), prompt: 'Hello', tools: aiWeather, stopWhen: stepCountIs(2) }),
  },
  {
    name: `${name}: streamText, a tool must be called`,
    expect: 'call',
    run: (url) =>
      streamed({ model: model(url), maxOutputTokens: 256, seed: 7, prompt: 'Hello', tools: aiWeather, toolChoice: 'required', stopWhen: stepCountIs(1) }),
  },
  {
    name: `${name}: image`,
    expect: invalid('messages[0].content[1]'),
    run: (url) =>
      generated({
        model: model(url),
        messages: [{ role: 'user', content: [{ type: 'text', text: 'what?' }, { type: 'image', image: PIXEL, mediaType: 'image/png' }] }],
      }),
  },
];

const aiSdk = [
  ...flavours('openai-compatible', (url) => compatible(url)('desk')),
  ...flavours('openai', (url) => official(url).chat('gpt-4o-mini')),
  {
    name: 'openai: a reasoning model',
    expect: invalid('reasoning_effort'),
    run: (url) =>
      generated({
        model: official(url).chat('gpt-5-mini'),
        prompt: 'Hello',
        providerOptions: { openai: { reasoningEffort: 'low' } },
      }),
  },
  {
    name: 'openai: log-probabilities',
    expect: 'ok',
    run: (url) =>
      generated({ model: official(url).chat('gpt-4o-mini'), prompt: 'Hello', providerOptions: { openai: { logprobs: 2 } } }),
  },
  {
    name: 'openai-compatible: completion',
    expect: 'ok',
    run: (url) => generated({ model: compatible(url).completionModel('desk'), prompt: 'Hello' }),
  },
  {
    name: 'openai-compatible: embed',
    expect: 'ok',
    run: async (url) => {
      const { embedding } = await embed({ model: compatible(url).embeddingModel('desk'), value: 'Hello', maxRetries: 0 });
      return { vectors: [embedding] };
    },
  },
  {
    name: 'openai: embedMany',
    expect: 'ok',
    run: async (url) => {
      const model = official(url).embeddingModel('text-embedding-3-small');
      return { vectors: (await embedMany({ model, values: ['Hello', 'Bye'], maxRetries: 0 })).embeddings };
    },
  },
];

// ---- LangChain ----------------------------------------------------------------------------------------------------

const langchain = (url, more = {}) =>
  new ChatOpenAI({ model: 'gpt-4o-mini', apiKey, maxRetries: 0, maxTokens: 8, configuration: { baseURL: url }, ...more });
/** What LangChain made of a message, or of its chunks. */
const message = (answer) => {
  const whole = Array.isArray(answer) ? answer.reduce((a, b) => a.concat(b)) : answer;
  const calls = (whole.tool_calls ?? []).map(({ name, args }) => ({ name, args }));
  return { texts: [whole.text], calls, tokens: whole.usage_metadata?.output_tokens };
};
const lcWeather = langchainTool(async ({ city }) => `21 degrees in ${city}`, {
  name: 'weather',
  description: 'The weather of a city.',
  schema: z.object({ city: z.enum(CITIES) }),
});

const langChain = [
  { name: 'invoke', expect: 'ok', run: async (url) => message(await langchain(url).invoke([new SystemMessage('Be brief.'), new HumanMessage('Hello')])) },
  { name: 'stream', expect: 'ok', run: async (url) => message(await all(await langchain(url).stream('Hello'))) },
  {
    name: 'every setting',
    expect: 'ok',
    run: async (url) => {
      const model = langchain(url, {
        temperature: 0.7,
        topP: 0.9,
        presencePenalty: 0.1,
        frequencyPenalty: 0.2,
        stop: ['\n'],
        logprobs: true,
        topLogprobs: 2,
        user: 'u1',
        modelKwargs: { seed: 42 },
      });
      return message(await model.invoke('Hello'));
    },
  },
  { name: 'two answers', expect: 'ok', run: async (url) => message(await langchain(url, { n: 2 }).invoke('Hello')) },
  { name: 'bindTools, invoke', expect: 'ok', run: async (url) => message(await langchain(url).bindTools([lcWeather]).invoke('Hello')) },
  { name: 'bindTools, stream', expect: 'ok', run: async (url) => message(await all(await langchain(url).bindTools([lcWeather]).stream('Hello'))) },
  {
    name: 'bindTools, forced',
    expect: 'call',
    run: async (url) => {
      const model = langchain(url, { maxTokens: 256, modelKwargs: { seed: 7 } }).bindTools([lcWeather], { tool_choice: 'weather', parallel_tool_calls: false });
      return message(await model.invoke('Hello'));
    },
  },
  {
    name: 'tool results',
    expect: 'ok',
    run: async (url) => message(await langchain(url).bindTools([lcWeather]).invoke(TOOL_TURN)),
  },
  {
    name: 'withStructuredOutput',
    expect: 'ok',
    run: async (url) => {
      const model = langchain(url, { maxTokens: 256, modelKwargs: { seed: 7 } }).withStructuredOutput(BIRD, { name: 'bird' });
      return { texts: [], object: await model.invoke('Hello') };
    },
  },
  {
    name: 'withStructuredOutput by a tool',
    expect: 'ok',
    run: async (url) => {
      const model = langchain(url, { maxTokens: 256, modelKwargs: { seed: 7 } }).withStructuredOutput(BIRD, { name: 'bird', method: 'functionCalling' });
      return { texts: [], object: await model.invoke('Hello') };
    },
  },
  {
    name: 'a reasoning model',
    expect: invalid('reasoning_effort'),
    run: async (url) => message(await langchain(url, { model: 'gpt-5-mini', reasoning: { effort: 'low' } }).invoke('Hello')),
  },
  {
    name: 'image',
    expect: invalid('messages[0].content[0]'),
    run: async (url) => {
      const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } };
      return message(await langchain(url).invoke([new HumanMessage({ content: [image] })]));
    },
  },
  {
    name: 'completion model',
    expect: 'ok',
    run: async (url) => {
      const fields = { model: 'gpt-3.5-turbo-instruct', apiKey, maxRetries: 0, maxTokens: 8 };
      return { texts: [await new LangchainOpenAI({ ...fields, configuration: { baseURL: url } }).invoke('Hello')] };
    },
  },
  {
    name: 'embeddings',
    expect: 'ok',
    run: async (url) => {
      const fields = { model: 'text-embedding-3-small', apiKey, maxRetries: 0, configuration: { baseURL: url } };
      return { vectors: await new OpenAIEmbeddings(fields).embedDocuments(['Hello', 'Bye']) };
    },
  },
];

const versions = (...names) => Object.fromEntries(names.map((name) => [name, version(name)]));

/** By the fixture's name: versions of the packages, and the calls. */
export const CLIENTS = {
  openai: { packages: versions('openai'), calls: openai },
  'ai-sdk': { packages: versions('ai', '@ai-sdk/openai', '@ai-sdk/openai-compatible'), calls: aiSdk },
  langchain: { packages: versions('@langchain/core', '@langchain/openai', 'openai'), calls: langChain },
};
