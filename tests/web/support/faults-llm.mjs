// A real HTTP server on this machine that speaks both protocols of remote models, OpenAI's chat completions and Anthropic's
// messages, does on order what good servers will not do, and keeps its own truth of what it would bill.
//
// An order stands in the path: `${origin}/do/ORDER/v1` is the `baseURL`. Words of an order are separated by commas; a word may
// have a value (`stall=2`, percent-encoded where need be). Orders separated by `;` are for the first, the second, ... request with
// this path, and the last one for all that follow: `status=503;ok` is busy once. Without a word it answers as a good server:
// a stream with usage.
//
//   before the answer
//     status=N        an error with this status, in the protocol's words;  message=TEXT  its message;  half  of which half comes
//     after=S         with Retry-After: S (any text);  afterdate=S  with the date in S seconds;  afterms=N  with retry-after-ms
//     redirect=N      a redirect to /do/ok/v1/... of this server;  close  breaks the connection off without an answer
//     head=MS         says nothing for so long, and then answers;  head=stall  says nothing at all
//     overflow        400, the prompt is too long, in the protocol's words;  filter=400  400, stopped by a content filter
//     echo            401 whose message repeats the headers that carry keys and the whole prompt
//   the answer
//     n=N             so many pieces, of one token each (default 6);  say=TEXT  this, a piece for each word
//     think=N         so many pieces of reasoning before it, which are billed
//     tools           calls the first tool of the request with {"city":"Bern","days":2} in pieces;  bare  without arguments
//     length          ends with the bound of tokens;  filter  ends with a content filter;  filter=0  the same before any text
//     model=NAME      what it says that it is;  echokey  says that it is the key
//     json            the whole answer as one JSON object;  type=T  with this media type (default text/event-stream)
//     html            a page, status 200;  jsonerror  an error as JSON, status 200 (jsonerror=N: with the code N)
//     garbage         an event that is no JSON after the first piece;  endless  a line that never ends
//     error=N         an overloaded_error inside of the stream after N pieces (error=0: before the first)
//     stall=N         says nothing more after N pieces;  cut=N  breaks the connection off there;  stop=N  ends the body there
//     nodone          no `[DONE]` or `message_stop`;  nofinish  no reason of the end either;  linger  stays open after the end
//     cutend          breaks the connection off after the reason of the end, before `[DONE]` or `message_stop`
//     hand=MS         so long after what it has sent a connection is broken off: a page that is busy takes its time to read that
//     comments        a comment (or ping) before each piece;  pings=MS  only these, for ever, before the first piece
//   how it is sent
//     split=SEED      the bytes cut at random places;  bytes  one by one;  drip=MS  so long between two pieces
//     lines=crlf|cr   other ends of lines;  bom  a byte order mark first;  gzip  compressed;  duplicate  every piece twice
//   usage
//     usage=no        none;  usage=beside  together with the last piece;  usage=early  before the text;  usage=twice  two times
//     usage=each      with each chunk, growing;  usage=zero  zeros;  usage=null  null in each chunk, then as usual
//     usage=start     only what is known at the beginning: the prompt, and one token (OpenAI's: in the first chunk)
//     usage=bad       numbers that are none;  cached=N  so many tokens of the prompt from a cache
//
// Truth: `truth` (in this process) and GET /truth (as JSON) have for every request {n, order, api, status, input, output, cached,
// complete, idempotency, headers, body}: `input` and `output` are tokens that it would bill, 0 where it turned the request away, and
// what was produced so far where an answer was cut, stalled or left. The prompt costs one token for each word of its messages, and
// three for each message. POST /reset forgets everything.
import { createServer } from 'node:http';
import { gzipSync } from 'node:zlib';

const WORDS = ['The ', 'kettle ', 'comes ', 'on ', 'Tuesday, ', 'grüß ', 'dich, ', '🦜', '. '];
const CALL = ['{"ci', 'ty":"Be', 'rn","da', 'ys":2}'];
const CORS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'POST, GET, OPTIONS',
  'Access-Control-Allow-Headers': 'authorization, content-type, accept, x-api-key, anthropic-version, anthropic-dangerous-direct-browser-access, idempotency-key, x-app',
  'Access-Control-Expose-Headers': 'retry-after, retry-after-ms, date, x-request-id',
  'Access-Control-Max-Age': '600',
};
/** Before a connection breaks: what was not handed over by then is dropped. */
const HANDED_MS = 250;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** `a=1,b` as {a: '1', b: true}. */
function orderOf(text) {
  const words = text.split(',').filter((word) => word !== '' && word !== 'ok');
  return Object.fromEntries(words.map((word) => [word.split('=')[0], word.includes('=') ? decodeURIComponent(word.slice(word.indexOf('=') + 1)) : true]));
}

/** Tokens of a prompt. */
export function promptTokens(body) {
  const texts = [];
  const walk = (value) => (typeof value === 'string' ? texts.push(value) : value && typeof value === 'object' && Object.values(value).forEach(walk));
  for (const { content } of body.messages ?? []) walk(content);
  walk(body.system);
  return texts.join(' ').split(/\s+/).filter(Boolean).length + 3 * (body.messages ?? []).length;
}

/** Numbers that look random and are the same for the same seed (mulberry32). */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The pieces of an answer: `{text | args | thought | last}`. */
function piecesOf(order, body) {
  const thoughts = Array.from({ length: Number(order.think ?? 0) }, (_, i) => ({ thought: `step ${i} ` }));
  if (order.tools) return [...thoughts, ...(order.bare ? [''] : CALL).map((args, i) => ({ args, first: i === 0, name: body.tools?.[0]?.function?.name ?? body.tools?.[0]?.name ?? 'weather' }))];
  const words = order.say !== undefined ? order.say.match(/\S*\s*/g).filter(Boolean) : Array.from({ length: Number(order.n ?? 6) }, (_, i) => WORDS[i % WORDS.length]);
  return [...thoughts, ...(order.filter === '0' ? [] : words).map((text) => ({ text }))];
}

const reasonOf = (order) => (order.length ? 'length' : order.filter ? 'content_filter' : order.tools ? 'tool_calls' : 'stop');

/** A protocol: events as `[name, data]`. */
const openai = {
  usage: (order, { input, output, cached }) =>
    order.usage === 'zero' ? { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }
    : order.usage === 'bad' ? { prompt_tokens: '12', completion_tokens: -3, total_tokens: 1e300 }
    : { prompt_tokens: input, completion_tokens: output, total_tokens: input + output, ...(cached ? { prompt_tokens_details: { cached_tokens: cached } } : {}) },
  chunk: (order, choices, more = {}) => ['', { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: order.name, system_fingerprint: 'x', choices, ...more }],
  begin: (order, tokens) => {
    const first = openai.chunk(order, [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]);
    return [first, ...(order.usage === 'start' ? [openai.chunk(order, [], { usage: openai.usage(order, { ...tokens, output: 1 }) })] : []), ...(order.usage === 'early' ? [openai.chunk(order, [], { usage: openai.usage(order, { ...tokens, output: order.tokens }) })] : [])];
  },
  piece: (order, { text, args, first, name, thought }, tokens, last) => {
    const call = { index: 0, ...(first ? { id: 'call_1', type: 'function' } : {}), function: { ...(first ? { name } : {}), arguments: args } };
    const delta = thought !== undefined ? { reasoning_content: thought } : args !== undefined ? { tool_calls: [call] } : { content: text };
    const told = order.usage === 'each' || (order.usage === 'beside' && last) ? { usage: openai.usage(order, tokens) } : order.usage === 'null' ? { usage: null } : {};
    return [openai.chunk(order, [{ index: 0, delta, logprobs: null, finish_reason: null }], told)];
  },
  end: (order, tokens) => {
    const told = !['no', 'start', 'beside', 'early', 'each'].includes(order.usage);
    const usage = openai.chunk(order, [], { usage: openai.usage(order, tokens) });
    return [
      ...(order.nofinish ? [] : [openai.chunk(order, [{ index: 0, delta: {}, finish_reason: reasonOf(order) }])]),
      ...(told ? [usage] : []),
      ...(order.usage === 'twice' ? [usage] : []),
      ...(order.nodone || order.cutend || order.nofinish ? [] : [['', '[DONE]']]),
    ];
  },
  error: (status, message) => ({ error: { message, type: status === 429 ? 'rate_limit_error' : status === 529 ? 'overloaded_error' : status >= 500 ? 'server_error' : 'invalid_request_error', param: null, code: status } }),
  overflow: () => ({ error: { message: "This model's maximum context length is 100 tokens. However, your messages resulted in 120 tokens.", type: 'invalid_request_error', code: 'context_length_exceeded' } }),
  filtered: () => ({ error: { message: "The response was filtered due to the prompt triggering the service's content management policy.", code: 'content_filter', status: 400 } }),
  whole: (order, pieces, tokens) => {
    const calls = order.tools ? [{ id: 'call_1', type: 'function', function: { name: pieces.find(({ name }) => name)?.name, arguments: pieces.map(({ args }) => args ?? '').join('') } }] : undefined;
    const message = { role: 'assistant', content: calls ? null : pieces.map(({ text }) => text ?? '').join(''), ...(calls ? { tool_calls: calls } : {}) };
    return { id: 'chatcmpl-1', object: 'chat.completion', model: order.name, choices: [{ index: 0, message, finish_reason: reasonOf(order) }], ...(order.usage === 'no' ? {} : { usage: openai.usage(order, tokens) }) };
  },
};

const anthropic = {
  named: (data) => [data.type, data],
  counts: (order, { input, cached }) =>
    order.usage === 'zero' ? { input_tokens: 0 } : order.usage === 'bad' ? { input_tokens: '12' } : { input_tokens: input - cached, cache_creation_input_tokens: 0, cache_read_input_tokens: cached },
  begin: (order, tokens) => {
    const usage = order.usage === 'no' ? {} : { usage: { ...anthropic.counts(order, tokens), output_tokens: order.usage === 'zero' ? 0 : 1 } };
    return [anthropic.named({ type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model: order.name, content: [], stop_reason: null, ...usage } })];
  },
  blocks: (order, { args, thought, name }) => {
    const kind = thought !== undefined ? 'thinking' : args !== undefined ? 'tool_use' : 'text';
    if (order.block?.kind === kind) return [];
    const stop = order.block ? [anthropic.named({ type: 'content_block_stop', index: order.block.index })] : [];
    order.block = { kind, index: (order.block?.index ?? -1) + 1 };
    const content = { text: { type: 'text', text: '' }, thinking: { type: 'thinking', thinking: '' }, tool_use: { type: 'tool_use', id: 'toolu_1', name, input: {} } }[kind];
    return [...stop, anthropic.named({ type: 'content_block_start', index: order.block.index, content_block: content })];
  },
  piece: (order, piece) => {
    const delta = piece.thought !== undefined ? { type: 'thinking_delta', thinking: piece.thought } : piece.args !== undefined ? { type: 'input_json_delta', partial_json: piece.args } : { type: 'text_delta', text: piece.text };
    const start = anthropic.blocks(order, piece);
    return [...start, anthropic.named({ type: 'content_block_delta', index: order.block.index, delta })];
  },
  end: (order, tokens) => {
    const stop = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use', content_filter: 'refusal' }[reasonOf(order)];
    const output = order.usage === 'zero' ? 0 : order.usage === 'bad' ? 1.5 : tokens.output;
    const usage = ['no', 'start'].includes(order.usage) ? {} : { usage: { output_tokens: output } };
    const delta = anthropic.named({ type: 'message_delta', delta: { stop_reason: stop, stop_sequence: null }, ...usage });
    return [
      ...(order.block ? [anthropic.named({ type: 'content_block_stop', index: order.block.index })] : []),
      anthropic.named({ type: 'later_invention', value: 1 }),
      ...(order.nofinish ? [] : [delta]),
      ...(order.usage === 'twice' ? [delta] : []),
      ...(order.nodone || order.cutend || order.nofinish ? [] : [anthropic.named({ type: 'message_stop' })]),
    ];
  },
  error: (status, message) => ({ type: 'error', error: { type: { 429: 'rate_limit_error', 529: 'overloaded_error', 401: 'authentication_error' }[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error'), message } }),
  overflow: () => ({ type: 'error', error: { type: 'invalid_request_error', message: 'prompt is too long: 120 tokens > 100 maximum' } }),
  filtered: () => ({ type: 'error', error: { type: 'invalid_request_error', message: 'Output blocked by content filtering policy' } }),
  whole: (order, pieces, tokens) => {
    const content = order.tools
      ? [{ type: 'tool_use', id: 'toolu_1', name: pieces.find(({ name }) => name)?.name, input: JSON.parse(pieces.map(({ args }) => args ?? '').join('') || '{}') }]
      : [{ type: 'text', text: pieces.map(({ text }) => text ?? '').join('') }];
    const usage = order.usage === 'no' ? {} : { usage: { ...anthropic.counts(order, tokens), output_tokens: tokens.output } };
    return { id: 'msg_1', type: 'message', role: 'assistant', model: order.name, content, stop_reason: { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use', content_filter: 'refusal' }[reasonOf(order)], ...usage };
  },
};

/** Starts it. Returns {origin, base(order), truth, reset, close}. */
export async function startLlmFaults() {
  const state = { truth: [], times: new Map() };
  const server = createServer((request, response) => {
    handle(state, request, response).catch(() => response.destroy());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const origin = `http://localhost:${server.address().port}`;
  return {
    origin,
    base: (order = 'ok') => `${origin}/do/${order}/v1`,
    get truth() {
      return state.truth;
    },
    reset: () => ((state.truth.length = 0), state.times.clear()),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString() || '{}');
}

async function handle(state, request, response) {
  Object.entries(CORS).forEach(([name, value]) => response.setHeader(name, value));
  if (request.method === 'OPTIONS') return void response.writeHead(204).end();
  if (request.url === '/truth') return void response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(state.truth));
  if (request.url === '/reset') {
    state.truth.length = 0;
    state.times.clear();
    return void response.writeHead(204).end();
  }
  const [, orders, end] = /^\/do\/([^/]*)\/v1\/(chat\/completions|messages)(?:\?.*)?$/.exec(request.url) ?? [];
  if (orders === undefined) return void response.writeHead(404, { 'Content-Type': 'application/json' }).end('{"error":{"message":"no such path"}}');
  const body = await bodyOf(request);
  const time = state.times.get(orders) ?? 0;
  state.times.set(orders, time + 1);
  const list = orders.split(';');
  const text = list[Math.min(time, list.length - 1)];
  const row = { n: state.truth.length, order: text, api: end === 'messages' ? 'anthropic' : 'openai', status: 200, input: 0, output: 0, cached: 0, complete: false, idempotency: request.headers['idempotency-key'] ?? null, headers: { ...request.headers }, body };
  state.truth.push(row);
  const keys = [request.headers.authorization?.replace(/^Bearer /, ''), request.headers['x-api-key']].filter(Boolean);
  const order = orderOf(text);
  order.name = order.echokey ? `model ${keys.join(' ')}` : (order.model ?? `${body.model}-2026`);
  await answer(row.api === 'openai' ? openai : anthropic, order, row, { response, body, keys, end });
}

async function answer(protocol, order, row, { response, body, keys, end }) {
  const refuse = (status, value, headers = {}) => {
    row.status = status;
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(typeof value === 'string' ? value : JSON.stringify(value));
  };
  if (order.close) return void response.destroy();
  if (order.redirect) return refuse(Number(order.redirect), '', { Location: `/do/ok/v1/${end}` });
  if (order.overflow) return refuse(400, protocol.overflow());
  if (order.filter === '400') return refuse(400, protocol.filtered());
  if (order.echo) return refuse(401, protocol.error(401, `bad key ${keys.join(' ')} for ${JSON.stringify(body.messages)}`));
  if (order.status) {
    const after = order.afterdate === undefined ? order.after : new Date(Date.now() + 1000 * Number(order.afterdate)).toUTCString();
    const headers = { ...(after === undefined ? {} : { 'Retry-After': after }), ...(order.afterms === undefined ? {} : { 'retry-after-ms': order.afterms }) };
    // What failed while it was worked on is billed by some; nobody can know.
    if ([500, 502, 504, 408].includes(Number(order.status))) row.input = promptTokens(body);
    if (order.half) {
      row.status = Number(order.status);
      response.writeHead(row.status, { 'Content-Type': 'application/json' }).write('{"error":');
      return;
    }
    return refuse(Number(order.status), protocol.error(Number(order.status), order.message ?? 'no'), headers);
  }
  if (order.html) return void response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>Sign in</title>');
  if (order.jsonerror) return void response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(protocol.error(Number(order.jsonerror) || 400, 'no')));
  row.input = promptTokens(body);
  row.cached = order.usage === undefined || order.usage === 'twice' ? Math.min(Number(order.cached ?? 0), row.input) : 0;
  if (order.head === 'stall') return;
  if (order.head) await sleep(Number(order.head));
  const pieces = piecesOf(order, body);
  order.tokens = pieces.length;
  if (order.json) {
    row.output = pieces.length;
    row.complete = true;
    return void response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(protocol.whole(order, pieces, row)));
  }
  await stream(protocol, order, row, response, pieces);
}

async function stream(protocol, order, row, response, pieces) {
  const random = seeded(Number(order.split ?? 1));
  const newline = { crlf: '\r\n', cr: '\r' }[order.lines] ?? '\n';
  const collected = [];
  const raw = (bytes) => new Promise((resolve) => (response.destroyed ? resolve() : response.write(bytes, () => setImmediate(resolve))));
  const write = async (text) => {
    const bytes = Buffer.from(text);
    if (order.gzip) return void collected.push(bytes);
    const longest = order.bytes ? 1 : order.split ? 7 : Infinity;
    for (let at = 0; at < bytes.length && !response.destroyed; ) {
      const length = Math.min(longest === Infinity ? bytes.length : order.bytes ? 1 : 1 + Math.floor(random() * longest), bytes.length - at);
      await raw(bytes.subarray(at, at + length));
      at += length;
    }
  };
  const eventText = ([name, data]) => `${name ? `event: ${name}${newline}` : ''}data: ${typeof data === 'string' ? data : JSON.stringify(data)}${newline}${newline}`;
  const send = async (events) => write(events.map(eventText).join(''));
  const comment = protocol === openai ? `: keep-alive${newline}${newline}` : `event: ping${newline}data: {"type":"ping"}${newline}${newline}`;

  response.writeHead(200, { 'Content-Type': order.type ?? 'text/event-stream; charset=utf-8', ...(order.gzip ? { 'Content-Encoding': 'gzip' } : {}) });
  response.flushHeaders();
  if (order.bom) await write('\uFEFF');
  if (order.endless) {
    await write('data: {"a":"');
    while (!response.destroyed) await raw(Buffer.alloc(262144, 'x'));
    return;
  }
  for (; order.pings && !response.destroyed; await sleep(Number(order.pings))) await raw(comment);
  const stops = (name) => order[name] !== undefined && order[name] !== true && Number(order[name]) === row.output;
  /** Whether it ends here, as ordered. */
  const interrupted = async () => {
    if (stops('error')) {
      await send([['error', protocol.error(529, 'Overloaded')]]);
      response.end();
    } else if (stops('cut')) {
      await sleep(Number(order.hand ?? HANDED_MS));
      response.destroy();
    } else if (stops('stop')) {
      response.end();
    } else {
      return response.destroyed || stops('stall');
    }
    return true;
  };
  await send(protocol.begin(order, row));
  if (await interrupted()) return;
  for (const [i, piece] of pieces.entries()) {
    if (order.drip) await sleep(Number(order.drip));
    if (response.destroyed) return;
    row.output += 1;
    if (order.comments) await write(comment);
    const events = protocol.piece(order, piece, row, i === pieces.length - 1);
    await send(order.duplicate ? events.flatMap((event) => [event, event]) : events);
    if (order.garbage && i === 0) await send([['', '{"id": broken']]);
    if (await interrupted()) return;
  }
  await send(protocol.end(order, row));
  row.complete = !response.destroyed;
  if (order.gzip) response.write(gzipSync(Buffer.concat(collected)));
  if (order.cutend) {
    await sleep(Number(order.hand ?? HANDED_MS));
    response.destroy();
  } else if (!order.linger) {
    response.end();
  }
}
