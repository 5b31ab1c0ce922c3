// Option `remote`, wrong in every way, by its path; and what each protocol makes of a request.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkEndpoints, isEndpoint, policyPart, RemoteModel } from '../../pkg/dist/remote/index.js';

const PRICE = { inputPerMillion: 2_500_000, outputPerMillion: 10_000_000, currency: 'USD', asOf: '2026-11-22' };
const VALUE = { name: 'cheap', price: PRICE, contextWindow: 8000, latencyMs: 900 };
const ENDPOINT = { name: 'strong', price: PRICE, baseURL: 'https://llm.example/v1', model: 'large' };
const ALL = {
  ...ENDPOINT, contextWindow: 128_000, latencyMs: 700, api: 'anthropic', baseURL: new URL('https://llm.example/v1/?api-version=2'), getToken: () => 't', headers: { 'X-App': 'shop', 'x-csrf-token': 'f3', 'x-session': '0b0c1d2e-0000-4000-8000-000000000000' }, credentials: 'same-origin',
  timeouts: { connectMs: 1, firstTokenMs: 2, idleMs: 3, totalMs: 86_400_000 }, retries: 0, idempotency: true, breaker: { failures: 1, of: 1, restMs: [5] }, maxTokensField: 'max_completion_tokens', structured: 'words', onOverflow: 'other', onContentFilter: 'other', onBudget: 'other',
};

test('remotes that are right', () => {
  const [value, all, other] = checkEndpoints([VALUE, ALL, { ...ENDPOINT, name: 'other' }]);
  assert.deepEqual([value, all, other.name], [VALUE, ALL, 'other']);
  assert.deepEqual([isEndpoint(value), isEndpoint(all)], [false, true]);
  assert.deepEqual(policyPart(all), { name: 'strong', price: PRICE, contextWindow: 128_000, latencyMs: 700 });
  assert.deepEqual(checkEndpoints([]), []);
  assert.deepEqual(Object.keys(checkEndpoints([{ ...VALUE, baseURL: undefined, model: undefined, latencyMs: undefined }])[0]), ['name', 'price', 'contextWindow']);
  for (const baseURL of ['http://localhost:8080', 'http://127.0.0.1/v1', 'http://[::1]:80/', 'http://10.1.2.3', 'http://192.168.0.7:1234/v1', 'http://172.20.0.1', 'http://relay:8080', 'http://box.local', 'http://x.internal/', 'https://a.example', 'HTTPS://A.example/v1/']) {
    assert.equal(checkEndpoints([{ ...ENDPOINT, baseURL }]).length, 1, baseURL);
  }
});

const list = (more) => [VALUE, { ...ENDPOINT, ...more }];
const key = { apiKey: 'sk-0123456789abcdef', dangerouslyAllowBrowserKey: true };
/** What is wrong -> the path that the error names, and what it says. */
const WRONG = [
  ['no list', {}, /^remote:.*a list/],
  ['too many', Array.from({ length: 33 }, (_, i) => ({ ...VALUE, name: `${i}` })), /^remote:.*32/],
  ['none', [null], /^remote\[0\]:.*an object, got null/],
  ['the same name', [VALUE, { ...ENDPOINT, name: 'cheap' }], /^remote\[1\]\.name:.*remote\[0\]/],
  ['no name', list({ name: ' ' }), /^remote\[1\]\.name/],
  ['a long name', list({ name: 'x'.repeat(201) }), /^remote\[1\]\.name:.*200/],
  ['an unknown field', list({ baseUrl: 'x' }), /^remote\[1\]\.baseUrl:.*baseURL/],
  ['no address', [{ ...VALUE, model: 'x' }], /^remote\[0\]\.baseURL:.*beside model/],
  ['no model', list({ model: undefined }), /^remote\[1\]\.model/],
  ['a number for an address', list({ baseURL: 7 }), /^remote\[1\]\.baseURL:.*an address/],
  ['no page to resolve it against', list({ baseURL: '/api/llm' }), /^remote\[1\]\.baseURL:.*absolute/],
  ['a password in it', list({ baseURL: 'https://ann:pw@llm.example/' }), /^remote\[1\]\.baseURL:.*password/],
  ['a key in it', list({ baseURL: 'https://llm.example/?x_api_key=1' }), /^remote\[1\]\.baseURL:.*without a key/],
  ['a fragment', list({ baseURL: 'https://llm.example/#a' }), /^remote\[1\]\.baseURL:.*fragment/],
  ...['http://llm.example/v1', 'http://8.8.8.8/', 'http://10.evil.example/', 'http://127.0.0.1.evil.example', 'http://localhost.evil.example', 'ftp://llm.example', 'data:text/plain,x', 'javascript:1', 'file:///etc'].map((baseURL) => [baseURL, list({ baseURL }), /^remote\[1\]\.baseURL:.*https/]),
  ['another api', list({ api: 'gemini' }), /^remote\[1\]\.api:.*openai or anthropic, got "gemini"/],
  ['other credentials', list({ credentials: true }), /^remote\[1\]\.credentials:.*include/],
  ['another field', list({ maxTokensField: 'n' }), /^remote\[1\]\.maxTokensField/],
  ['another form', list({ structured: 'xml' }), /^remote\[1\]\.structured/],
  ['a key alone', list({ apiKey: key.apiKey }), /^remote\[1\]\.apiKey:.*dangerouslyAllowBrowserKey: true.*endpoint of your own.*getToken/],
  ['a key, allowed by a text', list({ ...key, dangerouslyAllowBrowserKey: 'yes' }), /^remote\[1\]\.dangerouslyAllowBrowserKey:.*true or false/],
  ['a key and a token', list({ ...key, getToken: () => '' }), /^remote\[1\]\.apiKey:.*either/],
  ['an empty key', list({ ...key, apiKey: '' }), /^remote\[1\]\.apiKey/],
  ['a key with a line', list({ ...key, apiKey: 'sk-0123456789abcdef\n' }), /^remote\[1\]\.apiKey:.*header can carry/],
  ['a token that is no function', list({ getToken: 'tok-0123456789' }), /^remote\[1\]\.getToken:.*a function, got string/],
  ...['Authorization', 'X-Api-Key', 'api-key', 'Cookie', 'Proxy-Authorization', 'x-goog-api-key', 'Ocp-Apim-Subscription-Key', 'cf-access-client-secret', 'x-auth-token'].map((name) => [name, list({ headers: { [name]: 'abc' } }), new RegExp(`^remote\\[1\\]\\.headers\\.${name}:.*no key`)]),
  ...['Bearer abc', 'Basic YTpi', key.apiKey, 'AIzaSyA0123456789012345', 'eyJhbGciOi.eyJzdWIiOiIx.sig'].map((value) => [value, list({ headers: { 'x-app': value } }), /^remote\[1\]\.headers\.x-app:.*no key/]),
  ['a header of ours', list({ headers: { 'Content-Type': 'text/plain' } }), /^remote\[1\]\.headers\.Content-Type/],
  ['the key of attempts', list({ headers: { 'Idempotency-Key': 'x' } }), /^remote\[1\]\.headers\.Idempotency-Key:.*option idempotency/],
  ['no name of a header', list({ headers: { 'x y': 'a' } }), /^remote\[1\]\.headers\.x y/],
  ['a header of two lines', list({ headers: { 'x-app': 'a\nb: c' } }), /^remote\[1\]\.headers\.x-app/],
  ['headers as a list', list({ headers: [['a', 'b']] }), /^remote\[1\]\.headers:.*an object/],
  ['a number for a header', list({ headers: { 'x-app': 1 } }), /^remote\[1\]\.headers\.x-app:.*a string/],
  ['an unknown time', list({ timeouts: { idle: 1 } }), /^remote\[1\]\.timeouts\.idle:.*idleMs/],
  ...[0, -1, NaN, Infinity, '1', null].map((idleMs) => [`idleMs ${idleMs}`, list({ timeouts: { idleMs } }), /^remote\[1\]\.timeouts\.idleMs/]),
  ...[-1, 11, 1.5, NaN, '2'].map((retries) => [`retries ${retries}`, list({ retries }), /^remote\[1\]\.retries/]),
  ['idempotency of another kind', list({ idempotency: 1 }), /^remote\[1\]\.idempotency/],
  ['an unknown field of the breaker', list({ breaker: { k: 1 } }), /^remote\[1\]\.breaker\.k:.*failures, of, restMs/],
  ['more failures than there are', list({ breaker: { failures: 6, of: 5 } }), /^remote\[1\]\.breaker\.failures:.*at most/],
  ['no rests', list({ breaker: { restMs: [] } }), /^remote\[1\]\.breaker\.restMs/],
  ['a rest that is none', list({ breaker: { restMs: [1, NaN] } }), /^remote\[1\]\.breaker\.restMs\[1\]/],
  ['itself', list({ onOverflow: 'strong' }), /^remote\[1\]\.onOverflow:.*another/],
  ['nobody', list({ onBudget: 'nobody' }), /^remote\[1\]\.onBudget:.*another remote model/],
  ['one that cannot be asked', list({ onContentFilter: 'cheap' }), /^remote\[1\]\.onContentFilter:.*baseURL/],
  ['no name of another', list({ onContentFilter: 7 }), /^remote\[1\]\.onContentFilter/],
  ['round in a circle', [{ ...ENDPOINT, onBudget: 'b' }, { ...ENDPOINT, name: 'b', onBudget: 'strong' }], /^remote\[0\]\.onBudget:.*leads back/],
];

test('remotes that are wrong, each by its path, none with its key', () => {
  for (const [name, value, pattern] of WRONG) {
    assert.throws(
      () => checkEndpoints(value),
      (error) => {
        assert.equal(error.code, 'invalid_request', `${name}: ${error.stack}`);
        assert.match(error.message.replace('invalid request: ', ''), pattern, name);
        assert.ok(!JSON.stringify([error, error.message]).includes('0123456789'), name);
        return true;
      },
      name,
    );
  }
});

test('an address of the page: relative ones are resolved against it, and plain http is for its own origin', () => {
  const model = (baseURL) => new RemoteModel(checkEndpoints([{ ...ENDPOINT, baseURL }])[0]);
  globalThis.location = { href: 'http://shop.example/a/page.html?x#y' };
  try {
    assert.equal(model('/api/llm').host, 'shop.example');
    assert.equal(model('../llm').host, 'shop.example');
    assert.throws(() => model('//other.example/llm'), /https; http only/);
    globalThis.location = { href: 'https://shop.example/' };
    assert.equal(model('llm').host, 'shop.example');
    assert.throws(() => model('http://shop.example/'), /https/);
  } finally {
    delete globalThis.location;
  }
});

const bodyOf = (endpoint, payload) => JSON.parse(new RemoteModel({ ...ENDPOINT, ...endpoint }).body({ max_tokens: 100, ...payload }));
const TOOLS = [{ type: 'function', function: { name: 'f', description: 'Does.', parameters: { type: 'object', properties: { a: {} } }, strict: true } }, { type: 'function', function: { name: 'g' } }];
const SCHEMA = { type: 'json_schema', json_schema: { description: 'a ticket', schema: { type: 'object' }, strict: true } };
const CONVERSATION = [
  { role: 'developer', content: 'Be short.' },
  { role: 'user', content: 'A?', name: 'Ann', kinglet: { labels: 1 } },
  { role: 'user', content: [{ type: 'text', text: 'And ' }, { type: 'text', text: 'B?' }] },
  { role: 'assistant', content: null, tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }, { id: 'c2', type: 'function', function: { name: 'g', arguments: '' } }] },
  { role: 'tool', tool_call_id: 'c1', content: 'one' },
  { role: 'tool', tool_call_id: 'c2', content: [{ type: 'text', text: 'two' }] },
  { role: 'user', content: 'So?' },
  { role: 'assistant', content: 'So.' },
  { role: 'system', content: 'Be kind.' },
  { role: 'user', content: 'Thanks' },
];

test('OpenAI: what is sent', () => {
  assert.deepEqual(bodyOf({}, { messages: CONVERSATION, tools: TOOLS, tool_choice: 'required', parallel_tool_calls: false, temperature: 0, top_p: 0.9, stop: ['x'] }), {
    model: 'large',
    messages: [
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: 'A?', name: 'Ann' },
      CONVERSATION[2],
      CONVERSATION[3],
      CONVERSATION[4],
      CONVERSATION[5],
      CONVERSATION[6],
      CONVERSATION[7],
      CONVERSATION[8],
      CONVERSATION[9],
    ],
    max_tokens: 100,
    stream: true,
    stream_options: { include_usage: true },
    tools: TOOLS,
    tool_choice: 'required',
    parallel_tool_calls: false,
    temperature: 0,
    top_p: 0.9,
    stop: ['x'],
  });
  const plain = { messages: [{ role: 'user', content: 'Hi' }] };
  const bare = { model: 'large', messages: plain.messages, stream: true, stream_options: { include_usage: true } };
  assert.deepEqual(bodyOf({ maxTokensField: 'max_completion_tokens' }, { ...plain, tools: [], tool_choice: 'auto', temperature: null, stop: null }), { ...bare, max_completion_tokens: 100 });
  const form = (structured, response_format, messages = plain.messages) => {
    const body = bodyOf(structured === undefined ? {} : { structured }, { messages, response_format });
    return [body.response_format, body.messages];
  };
  assert.deepEqual(form(undefined, SCHEMA), [{ type: 'json_schema', json_schema: { ...SCHEMA.json_schema, name: 'answer' } }, plain.messages]);
  assert.deepEqual(form(undefined, { type: 'json_object' }), [{ type: 'json_object' }, plain.messages]);
  assert.deepEqual(form(undefined, { type: 'text' }), [undefined, plain.messages]);
  const [object, [said, asked]] = form('json_object', SCHEMA);
  assert.deepEqual([object, said.role, asked], [{ type: 'json_object' }, 'system', plain.messages[0]]);
  assert.match(said.content, /a ticket[^]*\{"type":"object"\}$/);
  const [none, messages] = form('words', SCHEMA, CONVERSATION);
  assert.deepEqual([none, messages.length], [undefined, CONVERSATION.length]);
  assert.match(messages[0].content, /^Be short\.\n\nAnswer with one JSON value/);
  assert.match(form('words', { type: 'json_object' })[1][0].content, /one JSON object/);
});

test('Anthropic: what is sent', () => {
  const anthropic = (payload) => bodyOf({ api: 'anthropic' }, payload);
  assert.deepEqual(anthropic({ messages: CONVERSATION, tools: TOOLS, tool_choice: { type: 'function', function: { name: 'f' } }, parallel_tool_calls: false, temperature: 1.7, top_p: 0.9, stop: 'x' }), {
    model: 'large',
    system: 'Be short.\n\nBe kind.',
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'A?' }, { type: 'text', text: 'And B?' }] },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'c1', name: 'f', input: { a: 1 } }, { type: 'tool_use', id: 'c2', name: 'g', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1', content: 'one' }, { type: 'tool_result', tool_use_id: 'c2', content: 'two' }, { type: 'text', text: 'So?' }] },
      { role: 'assistant', content: 'So.' },
      { role: 'user', content: 'Thanks' },
    ],
    max_tokens: 100,
    stream: true,
    temperature: 1,
    stop_sequences: ['x'],
    tools: [{ name: 'f', description: 'Does.', input_schema: { type: 'object', properties: { a: {} } } }, { name: 'g', input_schema: { type: 'object', properties: {} } }],
    tool_choice: { type: 'tool', name: 'f', disable_parallel_tool_use: true },
  });
  const user = { role: 'user', content: 'Hi' };
  const choice = (tool_choice, parallel_tool_calls) => anthropic({ messages: [user], tools: TOOLS, tool_choice, parallel_tool_calls }).tool_choice;
  assert.deepEqual([choice('auto'), choice('required'), choice('none', false), choice(undefined, true), choice(undefined, false)], [{ type: 'auto' }, { type: 'any' }, { type: 'none' }, undefined, { type: 'auto', disable_parallel_tool_use: true }]);
  assert.deepEqual(anthropic({ messages: [user], tools: null, tool_choice: 'auto', stop: [' ', '\n'], top_p: 0.5 }), { model: 'large', messages: [user], max_tokens: 100, stream: true, top_p: 0.5 });
  const turns = (...messages) => anthropic({ messages }).messages;
  assert.deepEqual(turns({ role: 'assistant', content: 'Hello!' }, user)[0], { role: 'user', content: '(The conversation begins.)' });
  assert.deepEqual(turns(user, { role: 'assistant', content: '  ' }, { role: 'user', content: 'So?' }), [{ role: 'user', content: [{ type: 'text', text: 'Hi' }, { type: 'text', text: 'So?' }] }]);
  assert.deepEqual(turns(user, { role: 'assistant', refusal: 'No.' }).at(-1), { role: 'assistant', content: 'No.' });
  assert.deepEqual(turns(user, { role: 'assistant', tool_calls: [{ id: 'x', function: { name: 'f', arguments: '[1' } }] }).at(-1).content[0].input, { arguments: '[1' });
  const { system, response_format } = anthropic({ messages: [user], response_format: SCHEMA });
  assert.deepEqual([/JSON Schema[^]*\{"type":"object"\}$/.test(system), response_format], [true, undefined]);
});

test('nothing of the engine is loaded with it', async () => {
  const { readFileSync } = await import('node:fs');
  const seen = new Set();
  const walk = (url) => {
    if (seen.has(url.href)) return;
    seen.add(url.href);
    const text = readFileSync(url, 'utf8');
    for (const [, path] of text.matchAll(/(?:from|import)\s*["'](\.[^"']+)["']/g)) walk(new URL(path, url));
  };
  walk(new URL('../../pkg/dist/remote/index.js', import.meta.url));
  const names = [...seen].map((href) => href.split('/dist/')[1]);
  assert.ok(names.includes('remote/sse.js') && names.includes('vendor/eventsource-parser.js'));
  const foreign = names.filter((name) => !/^(remote\/|vendor\/eventsource-parser|errors\.js|params\.js|check\.js|cloneable\.js|sources\/retry\.js)/.test(name));
  assert.deepEqual(foreign, []);
});
