// Server-sent events as remote models send them: the same bytes, however they are cut and whatever ends their lines, are the same
// events, by a second reading of the standard that is written down here; and what is no stream at all ends with a typed error.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventReader } from '../../pkg/dist/remote/sse.js';
import { RemoteModel } from '../../pkg/dist/remote/index.js';
import { seeded } from './support/faults-llm.mjs';

const SOAK = process.env.KINGLET_SOAK !== undefined;
const PRICE = { inputPerMillion: 1, outputPerMillion: 1, currency: 'USD', asOf: '2026-11-22' };
const ENDS = { LF: '\n', CRLF: '\r\n', CR: '\r' };

/** WHATWG HTML 9.2.6, read once more and without any thought of speed: all bytes at once, line by line. */
function byTheStandard(bytes, pattern = /\r\n|\r|\n/) {
  const lines = new TextDecoder().decode(bytes).split(pattern);
  lines.pop(); // what no end of a line follows is no line
  const events = [];
  let [name, data] = ['', ''];
  for (const line of lines) {
    if (line === '') {
      if (data !== '') events.push({ name, data: data.slice(0, -1) });
      [name, data] = ['', ''];
      continue;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') name = value;
    if (field === 'data') data += `${value}\n`;
  }
  return events;
}

/** What the client's reader makes of pieces of bytes. */
function read(pieces) {
  const decoder = new TextDecoder();
  const reader = new EventReader();
  return pieces.flatMap((piece) => reader.feed(decoder.decode(piece, { stream: true })));
}

const bytesOf = (text) => new TextEncoder().encode(text);
const cutAt = (bytes, ...places) => [0, ...places].map((at, i) => bytes.subarray(at, places[i]));

const VECTORS = {
  'the standard’s own examples': 'data: YHOO\ndata: +2\ndata: 10\n\n: test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\ndata\n\ndata\ndata\n\ndata:',
  'fields of all kinds': 'event: a\nevent:b\ndata\ndata:\ndata: \ndata:  x\nretry: 10\nretry: x\nid: 7\nid: a\0b\nother: 1\nDATA: no\n data: no\ndatax: no\n\nevent: only\n\n: c\n\n\n\ndata: after\n\n',
  'a byte order mark, and one that is text': '\uFEFFdata: a\uFEFF\n\n\uFEFFdata: no field\ndata: b\n\n',
  'characters of two, three and four bytes': 'event: gr\u00fc\u00dfe\ndata: {"t":"\u00e9 \u20ac \u{1F99C} \u4f60"}\n\n',
  'what looks like a mark of bytes': '\u00EF\u00BB\u00BFdata: no field\ndata: a\n\n',
  'an end that is none': 'data: a\n\ndata: lost\n',
};

const OPENAI = [
  { id: 'c1', model: 'm-1', choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }], usage: null },
  { id: 'c1', choices: [{ index: 0, delta: { reasoning_content: 'Hm.' } }], unknown: { field: 1 } },
  { id: 'c1', choices: [{ index: 0, delta: { content: 'Gr\u00fc\u00dfe \u{1F99C}' } }] },
  { id: 'c1', choices: [{ index: 1, delta: { content: 'another answer' } }, { index: 0, delta: { content: '\n\n' } }] },
  { id: 'c1', choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '' } }, { index: 1, id: 'b', function: { name: 'g', arguments: '{"x"' } }] } }] },
  { id: 'c1', choices: [{ index: 0, delta: { tool_calls: [{ index: 1, function: { arguments: ':1}' } }, { index: 0, function: { arguments: '{}' } }] } }] },
  { id: 'c1', choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
  { id: 'c1', choices: null, usage: { prompt_tokens: 11, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 4 } } },
];
const ANTHROPIC = [
  { type: 'message_start', message: { id: 'm1', model: 'c-1', usage: { input_tokens: 5, cache_read_input_tokens: 4, cache_creation_input_tokens: 2, output_tokens: 1 } } },
  { type: 'ping' },
  { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm.' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Gr\u00fc\u00dfe \u{1F99C}\n\n' } },
  { type: 'content_block_stop', index: 1 },
  { type: 'content_block_start', index: 2, content_block: { type: 'tool_use', id: 'a', name: 'f', input: {} } },
  { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '' } },
  { type: 'content_block_stop', index: 2 },
  { type: 'content_block_start', index: 3, content_block: { type: 'tool_use', id: 'b', name: 'g', input: {} } },
  { type: 'content_block_delta', index: 3, delta: { type: 'input_json_delta', partial_json: '{"x"' } },
  { type: 'content_block_delta', index: 3, delta: { type: 'input_json_delta', partial_json: ':1}' } },
  { type: 'content_block_stop', index: 3 },
  { type: 'later_invention', index: 3 },
  { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 7 } },
  { type: 'message_stop' },
];
const STREAMS = {
  openai: `: hello\n\n${OPENAI.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')}data: [DONE]\n\n`,
  anthropic: ANTHROPIC.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''),
};

const RECORDED = { ...VECTORS, 'an answer of OpenAI’s': STREAMS.openai, 'an answer of Anthropic’s': STREAMS.anthropic };

test('at every position and with every end of a line the events are those of the standard', () => {
  let compared = 0;
  for (const [name, text] of Object.entries(RECORDED)) {
    for (const [end, newline] of Object.entries(ENDS)) {
      const bytes = bytesOf(text.replaceAll('\n', newline));
      const expected = byTheStandard(bytes);
      assert.ok(expected.length > 0, name);
      assert.deepEqual(read([...bytes].map((_, i) => bytes.subarray(i, i + 1))), expected, `${name}, ${end}, byte by byte`);
      for (let at = 0; at <= bytes.length; at++, compared++) {
        assert.deepEqual(read(cutAt(bytes, at)), expected, `${name}, ${end}, cut at ${at}`);
      }
    }
    const seen = Object.values(ENDS).map((newline) => JSON.stringify(byTheStandard(bytesOf(text.replaceAll('\n', newline)))));
    assert.equal(new Set(seen).size, 1, `${name}: the ends of lines make no difference`);
  }
  assert.ok(compared > 5000, `${compared}`);
});

test('a reader that knows LF only, or one that forgets what it has, is noticed', () => {
  const text = VECTORS['fields of all kinds'].replaceAll('\n', '\r');
  assert.notDeepEqual(byTheStandard(bytesOf(text), /\n/), byTheStandard(bytesOf(text)));
  const bytes = bytesOf(VECTORS['fields of all kinds']);
  const forgetful = (pieces) => pieces.flatMap((piece) => read([piece]));
  const differs = Array.from(bytes, (_, at) => JSON.stringify(forgetful(cutAt(bytes, at))) !== JSON.stringify(read([bytes])));
  assert.ok(differs.filter(Boolean).length > bytes.length / 2);
});

test('random streams, cut at random places', () => {
  const random = seeded(7);
  const draw = (list) => list[Math.floor(random() * list.length)];
  const tokens = ['\n', '\r', '\r\n', '\n\n', '\r\r', 'data', 'data:', 'data: ', 'event: ', 'event', 'id:', 'retry: 1', ':', ' ', 'x', '\u00e9', '\u{1F99C}', '\uFEFF', '{"a":1}', 'dat', 'datax: ', '\0'];
  const rounds = SOAK ? 20_000 : 600;
  let events = 0;
  for (let round = 0; round < rounds; round++) {
    const text = Array.from({ length: Math.floor(random() * 40) }, () => draw(tokens)).join('');
    const bytes = bytesOf(text);
    const places = Array.from({ length: Math.floor(random() * 8) }, () => Math.floor(random() * (bytes.length + 1))).toSorted((a, b) => a - b);
    const expected = byTheStandard(bytes);
    events += expected.length;
    assert.deepEqual(read(cutAt(bytes, ...places)), expected, JSON.stringify({ text, places }));
  }
  assert.ok(events > rounds / 4, `${events} events in ${rounds} streams`);
});

/** How many characters a piece of work looks at or copies: what a clock says depends on who else is at work. */
function looks(work) {
  const [text, list] = [String.prototype, Array.prototype];
  const { indexOf, includes, replace, slice, endsWith } = text;
  const { join } = list;
  let count = 0;
  const seen = function (what, from = 0) {
    const at = indexOf.call(this, what, from);
    count += (at < 0 ? this.length : at) - from + 1;
    return at;
  };
  const patched = {
    indexOf: seen,
    includes: function (what, from) {
      return seen.call(this, what, from) >= 0;
    },
    replace: function (...given) {
      count += this.length;
      return replace.apply(this, given);
    },
    slice: function (...given) {
      const made = slice.apply(this, given);
      count += made.length;
      return made;
    },
    endsWith: function (...given) {
      count += 1;
      return endsWith.apply(this, given);
    },
  };
  try {
    Object.assign(text, patched);
    list.join = function (...given) {
      const made = join.apply(this, given);
      count += made.length;
      return made;
    };
    work();
  } finally {
    Object.assign(text, { indexOf, includes, replace, slice, endsWith });
    list.join = join;
  }
  return count;
}

test('one huge line in tiny pieces, and many lines in one piece, take work in proportion to their length', () => {
  const line = (feed, length) => {
    feed('data: ');
    for (let at = 0; at < length; at += 16) feed('x'.repeat(16));
    return feed('\n\n');
  };
  const ours = (length) => {
    const reader = new EventReader();
    return looks(() => assert.equal(line((text) => reader.feed(text), length)[0].data.length, length));
  };
  const lines = (count) => looks(() => assert.equal(new EventReader().feed(`${'data: x\n'.repeat(count)}\r\n\n`).length, 1));
  for (const length of [2 ** 12, 2 ** 20]) assert.ok(ours(length) < 12 * length, `${ours(length) / length} for each character`);
  for (const count of [1000, 100_000]) assert.ok(lines(count) < 12 * 8 * count, `${lines(count) / (8 * count)} for each character`);
  // What looks at everything again with each piece, or at all that follows with each line, would be noticed.
  const again = (length) => {
    let all = '';
    return looks(() => line((text) => (all += text).indexOf('\n'), length));
  };
  assert.ok(again(2 ** 12) > 100 * 2 ** 12);
});

test('a line without an end is given up, long before it fills the memory', () => {
  for (const begin of ['data: ', ': ', 'x', '']) {
    const reader = new EventReader(1000);
    const feed = () => {
      reader.feed(begin);
      for (let i = 0; i < 200; i++) reader.feed('y'.repeat(10));
    };
    assert.throws(feed, /more than 1000 characters/);
  }
  const many = new EventReader(1000);
  assert.throws(() => Array.from({ length: 300 }, () => many.feed('data: 0123\n')), /more than 1000 characters/);
});

/** Asks a model whose answer is these pieces; returns parts, error and account. */
async function asked(api, pieces, { type = 'text/event-stream', status = 200 } = {}) {
  const endpoint = { name: 'r', price: PRICE, api, baseURL: 'https://llm.example/v1', model: 'm', retries: 0 };
  const body = () => new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  const model = new RemoteModel(endpoint, { fetch: async () => new Response(body(), { status, headers: { 'content-type': type } }) });
  const [parts, account] = [[], []];
  const keeper = { begin: async () => void account.push('begin'), end: async (spent) => void account.push(spent) };
  let error;
  try {
    for await (const part of model.ask({ messages: [{ role: 'user', content: 'Hi' }], max_tokens: 9 }, { id: '1', account: keeper })) parts.push(part);
  } catch (thrown) {
    error = thrown;
  }
  return { parts, error, account };
}

/** Texts joined, and calls: what a stream says, however it is cut into parts. */
function told(parts) {
  const calls = [];
  for (const { type, index, id, name, arguments: text } of parts) {
    if (type === 'call') calls[index] = { id: calls[index]?.id ?? id, name: calls[index]?.name ?? name, arguments: (calls[index]?.arguments ?? '') + text };
  }
  const text = parts.filter(({ type }) => type === 'text').map((part) => part.text).join('');
  return { text, calls, model: parts.find(({ type }) => type === 'head')?.model, usage: parts.find(({ type }) => type === 'usage')?.usage, finish: parts.at(-1)?.reason };
}

for (const api of ['openai', 'anthropic']) {
  test(`${api}: a recorded answer is the same parts wherever its bytes are cut and whatever ends its lines`, async () => {
    const { parts } = await asked(api, [bytesOf(STREAMS[api])]);
    assert.deepEqual(told(parts), {
      text: 'Gr\u00fc\u00dfe \u{1F99C}\n\n',
      calls: [{ id: 'a', name: 'f', arguments: '{}' }, { id: 'b', name: 'g', arguments: '{"x":1}' }],
      model: api === 'openai' ? 'm-1' : 'c-1',
      usage: { input: 11, output: 7, cached: 4 },
      finish: 'tool_calls',
    });
    const bytes = bytesOf(STREAMS[api]);
    for (const newline of Object.values(ENDS)) {
      const others = bytesOf(STREAMS[api].replaceAll('\n', newline));
      // Events at every position are compared above; here the whole way from bytes to parts.
      for (let at = 0; at <= others.length; at += SOAK ? 1 : 7) {
        assert.deepEqual((await asked(api, cutAt(others, at))).parts, parts, `cut at ${at}`);
      }
    }
    const random = seeded(11);
    for (let round = 0; round < (SOAK ? 3000 : 50); round++) {
      const places = Array.from({ length: Math.floor(random() * 60) }, () => Math.floor(random() * bytes.length)).toSorted((a, b) => a - b);
      assert.deepEqual((await asked(api, cutAt(bytes, ...places))).parts, parts, `cut at ${places}`);
    }
  });

  test(`${api}: an answer that ends anywhere before its end is complete, or a typed error and nobody knows what it cost`, async () => {
    const bytes = bytesOf(STREAMS[api]);
    const kinds = new Map();
    for (let end = 0; end < bytes.length; end += SOAK ? 1 : 3) {
      const { parts, error, account } = await asked(api, [bytes.subarray(0, end)]);
      const kind = error?.detail.kind ?? parts.at(-1)?.type;
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      assert.deepEqual([account.length, account[0]], [2, 'begin']);
      // The end of an answer is known before its cost: where that is missing, the worst case stands.
      const counted = parts.some(({ type }) => type === 'usage');
      assert.deepEqual(account[1], counted ? { kind: 'usage', usage: { input: 11, output: 7, cached: 4 } } : { kind: 'unknown' }, `ends at ${end}`);
      assert.ok(error === undefined || error.code === 'remote_failed', String(error));
    }
    assert.deepEqual([...kinds.keys()].toSorted(), ['bad_answer', 'cut', 'finish']);
  });

  test(`${api}: bytes that nobody meant as an answer end with parts or a typed error, and are accounted once`, { timeout: 600_000 }, async () => {
    const random = seeded(13);
    const good = bytesOf(STREAMS[api]);
    const scraps = ['null', '[]', '{}', '-1', '1e999', '"', '\\u0000', '{"choices":[{"delta":{"content":[]}}]}', '{"error":null}', '__proto__', 'NaN', '[DONE]', '\n\n', '\r', 'data: ', 'event: error\n', '{"type":"content_block_delta"}', '{"type":"message_delta","usage":{"output_tokens":-5}}', '{"error":{"message":{"a":1},"code":{}}}'].map(bytesOf);
    const outcomes = new Set();
    for (let round = 0; round < (SOAK ? 30_000 : 400); round++) {
      let bytes = Uint8Array.from(good);
      if (random() < 0.2) bytes = Uint8Array.from({ length: Math.floor(random() * 300) }, () => Math.floor(random() * 256));
      for (let change = 0; change < random() * 6; change++) {
        const at = Math.floor(random() * bytes.length);
        if (random() < 0.5) bytes[at] = Math.floor(random() * 256);
        else {
          const scrap = scraps[Math.floor(random() * scraps.length)];
          bytes = Uint8Array.from([...bytes.subarray(0, at), ...scrap, ...bytes.subarray(random() < 0.5 ? at : Math.min(bytes.length, at + scrap.length))]);
        }
      }
      const status = random() < 0.1 ? [400, 401, 404, 429, 500, 529][Math.floor(random() * 6)] : 200;
      const { parts, error, account } = await asked(api, cutAt(bytes, Math.floor(random() * (bytes.length + 1))), { status });
      const replay = () => JSON.stringify({ status, bytes: Buffer.from(bytes).toString('latin1') });
      assert.ok(error === undefined ? parts.at(-1)?.type === 'finish' : ['remote_failed', 'rate_limited'].includes(error.code), `${error?.stack} ${replay()}`);
      assert.equal(account.length, 2, replay());
      assert.ok(error === undefined || error.message.length < 500, replay());
      outcomes.add(error?.detail.kind ?? error?.code ?? 'finish');
    }
    for (const outcome of ['finish', 'bad_answer', 'http', 'auth', 'rate_limited']) assert.ok(outcomes.has(outcome), `${outcome} of ${[...outcomes]}`);
  });
}
