// Acting on decisions, part by part: what a remote answer is held against, whose it is, what of a document is kept.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shortened } from '../../pkg/dist/act/digest.js';
import { checkable, checkAnswer } from '../../pkg/dist/act/validate.js';
import { Whole } from '../../pkg/dist/act/whole.js';
import { openai } from '../../pkg/dist/remote/openai.js';
import { sameModel } from '../../pkg/dist/remote/same.js';

const formed = (schema) => ({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } });
const tool = (parameters) => ({ tools: [{ type: 'function', function: { name: 'find', parameters } }] });
const said = (text) => ({ text, calls: [], finish: 'stop' });
const holds = (schema, value) => checkAnswer('strong', formed(schema), said(JSON.stringify(value)));

test('a schema that no answer can be held against is an error before anything is sent', () => {
  const wrong = [3, [], { pattern: '[' }, { properties: { a: { pattern: '(?<' } } }, { patternProperties: { '*': {} } }, { $ref: '#/nowhere' }, { properties: { a: { $ref: 'other.json' } } }, { $ref: '#' }];
  const loop = { type: 'object' };
  loop.properties = { loop };
  for (const schema of [...wrong, loop]) {
    assert.throws(() => checkable(formed(schema)), (error) => error.code === 'invalid_request' && error.detail.param === 'response_format.json_schema.schema');
    assert.throws(() => checkable(tool(schema)), (error) => error.code === 'invalid_request' && error.detail.param === 'tools[0].function.parameters');
  }
  const tree = Object.freeze({ $defs: { node: Object.freeze({ type: 'object', properties: { next: { $ref: '#/$defs/node' }, tag: { pattern: '^a+$' } } }) }, $ref: '#/$defs/node' });
  for (const schema of [undefined, null, true, {}, tree]) {
    checkable(formed(schema));
    checkable(tool(schema));
  }
  checkable({});
  holds(tree, { next: { next: { tag: 'aa' } } });
  assert.throws(() => holds(tree, { next: { next: { tag: 'ab' } } }), { code: 'remote_failed' });
});

test('what an answer says is tried on patterns up to a length: a long one does not hold, and takes no time', () => {
  const started = performance.now();
  const long = 'a'.repeat(9_999);
  holds({ type: 'object', properties: { name: { type: 'string', pattern: '^a*$' }, text: { type: 'string' } } }, { name: long, text: 'b'.repeat(100_000) });
  const refused = [
    [{ pattern: 'a*b' }, 'a'.repeat(1_000_000)],
    [{ format: 'email' }, 'a'.repeat(1_000_000)],
    [{ patternProperties: { 'a*b': false } }, { ['a'.repeat(1_000_000)]: 1 }],
    [{ uniqueItems: true }, Array.from({ length: 20_000 }, (_, i) => i)],
    [{ items: { anyOf: [{ pattern: '^a*$' }, { type: 'number' }] } }, ['a'.repeat(10_001)]],
  ];
  for (const [schema, value] of refused) {
    assert.throws(() => holds(schema, value), (error) => error.detail.kind === 'invalid_output', JSON.stringify(schema));
  }
  holds({ uniqueItems: true, allOf: [{ maxItems: 3 }] }, [1, 2]);
  assert.throws(() => holds({ uniqueItems: true }, [1, 1]), { code: 'remote_failed' });
  assert.throws(() => holds({ uniqueItems: true, allOf: [{ maxItems: 3 }] }, [1, 2, 3, 4]), { code: 'remote_failed' });
  assert.throws(() => checkAnswer('strong', formed({}), said(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)), { code: 'remote_failed' });
  // A search whose time grows with the square takes twenty minutes.
  assert.ok(performance.now() - started < 60_000);
});

test('a call without arguments is one with none, however its server says that', () => {
  const called = (calls, finish = 'tool_calls') => {
    const reader = openai.reader();
    const chunk = (delta, reason) => ({ name: '', data: JSON.stringify({ choices: [{ index: 0, delta, finish_reason: reason }] }) });
    const parts = [...calls.flatMap((call) => reader.event(chunk({ tool_calls: [call] }, null))), ...reader.event(chunk({}, finish)), ...reader.event(chunk({}, finish))];
    return parts.map(({ index, arguments: given }) => [index, given]);
  };
  const call = (given, index = 0) => ({ index, id: `c${index}`, function: { name: 'find', ...given } });
  assert.deepEqual(called([call({ arguments: '' })]), [[0, ''], [0, '{}']]);
  assert.deepEqual(called([call({})]), [[0, ''], [0, '{}']]);
  assert.deepEqual(called([call({ arguments: ' ' }), call({ arguments: '{"a"' }, 1), { index: 1, function: { arguments: ':1}' } }]), [[0, ' '], [1, '{"a"'], [1, ':1}'], [0, '{}']]);
  assert.deepEqual(called([call({ arguments: {} })]), [[0, '{}']]);
  const whole = openai.reader();
  const parts = whole.whole({ choices: [{ index: 0, message: { tool_calls: [call({ arguments: '' })] }, finish_reason: 'tool_calls' }], usage: { prompt_tokens: 3, completion_tokens: 1 } });
  assert.deepEqual(parts.map(({ arguments: given }) => given), ['', '{}']);
  assert.deepEqual(whole.known.usage, { input: 3, output: 1 });
  checkAnswer('strong', tool({ type: 'object' }), { text: '', calls: parts.map((part) => ({ index: 0, function: { name: part.name, arguments: part.arguments } })), finish: 'tool_calls' });
});

test('an answer that nobody watches is put together, calls and all', () => {
  const whole = new Whole();
  for (const part of [{ type: 'head', id: 'r1', model: 'large-2' }, { type: 'call', index: 1, id: 'b', name: 'find', arguments: '{"a"' }, { type: 'call', index: 1, arguments: ':1}' }, { type: 'usage', usage: { input: 3, output: 2 } }, { type: 'finish', reason: 'tool_calls' }]) whole.add(part);
  assert.deepEqual(whole.toolCalls, [{ id: 'b', type: 'function', function: { name: 'find', arguments: '{"a":1}' } }]);
  assert.deepEqual([whole.model, whole.id, whole.finish, whole.usage, whole.filtered], ['large-2', 'r1', 'tool_calls', { input: 3, output: 2 }, false]);
  checkAnswer('strong', tool({ type: 'object' }), whole);
  whole.add({ type: 'finish', reason: 'content_filter' });
  assert.ok(whole.filtered);
});

test('a model is the one that was asked for where only its version or who serves it is said beside it', () => {
  const same = [['gpt-4o', 'gpt-4o'], ['gpt-4o', 'gpt-4o-2024-08-06'], ['openai/gpt-4o', 'gpt-4o-2024-08-06'], ['gpt-4o', 'openai/gpt-4o'], ['gpt-4', 'gpt-4-0613'], ['claude-3-5-haiku', 'claude-3-5-haiku-20241022'], ['claude-3-5-haiku-latest', 'claude-3-5-haiku-20241022'], ['large', 'large@7']];
  const other = [['gpt-4', 'gpt-4-turbo'], ['gpt-4o', 'gpt-4o-mini'], ['gpt-4o', 'gpt-4o-mini-2024-07-18'], ['gpt-4', 'gpt-4o'], ['gpt-4o-2024-08-06', 'gpt-4o-2024-05-13'], ['large', 'larger'], ['gpt-4', 'gpt-4-32k']];
  for (const [asked, answered] of same) assert.ok(sameModel(asked, answered), `${asked} ${answered}`);
  for (const [asked, answered] of other) assert.ok(!sameModel(asked, answered), `${asked} ${answered}`);
});

test('a document is only shortened for a question that stands beside it', async () => {
  const words = 'It rains. '.repeat(400);
  const cut = (messages, documents) => shortened(undefined, messages, documents, { words: 120, by: 'words' }, undefined);
  const user = (content) => ({ role: 'user', content });
  const document = `${words} The kettle comes on Tuesday. ${words}`;
  const together = [user(`${document} When does the kettle come?`)];
  assert.deepEqual(await cut(together, [0]), together, 'its question is in it');
  const later = [user('Hello?'), { role: 'assistant', content: 'Yes?' }, user(`${document} When does the kettle come?`)];
  assert.deepEqual(await cut(later, [2]), later, 'the question before it is answered');
  const before = await cut([user('When does the kettle come?'), user(document)], [1]);
  assert.ok(before[1].content.length < document.length / 2 && before[1].content.includes('Tuesday'));
});
