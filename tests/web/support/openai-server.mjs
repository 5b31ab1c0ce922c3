// OpenAI's HTTP interface in two versions: one that answers what is written here and records what it was asked, and one
// that puts a Kinglet behind it, so that the official clients parse what it says.
import { createServer } from 'node:http';
import { KingletError } from '../../../pkg/dist/index.js';

const CHOICE = { name: 'wren', grams: 9.5 };
const USAGE = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const ENVELOPE = { id: 'chatcmpl-1', created: 1_700_000_000, model: 'recorded', usage: USAGE };

/** Starts a server; `answer(path, body)` gives an object, or an async iterable of chunks, or throws. */
async function start(answer) {
  const server = createServer((request, response) => {
    respond(request, response, answer).catch((error) => response.destroy(error));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

async function respond(request, response, answer) {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += piece;
  let said;
  let first;
  try {
    said = await answer(new URL(request.url, 'http://localhost').pathname.replace('/v1', ''), JSON.parse(text));
    // A stream's first chunk, so that a refusal is a status and not a broken stream.
    first = said[Symbol.asyncIterator] ? await said.next() : undefined;
  } catch (error) {
    const { code = 'internal', message, detail } = error;
    const status = code === 'invalid_request' || code === 'context_overflow' ? 400 : 500;
    const type = status === 400 ? 'invalid_request_error' : 'server_error';
    const refusal = { error: { message, type, param: detail?.param ?? null, code } };
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(refusal));
    return;
  }
  if (first === undefined) {
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(said));
    return;
  }
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  for (let next = first; !next.done; next = await said.next()) {
    response.write(`data: ${JSON.stringify(next.value)}\n\n`);
  }
  response.end('data: [DONE]\n\n');
}

/** A server whose answers are made up, and which keeps `{path, body}` of every request in `asked`. */
export async function recorder() {
  const asked = [];
  const server = await start(async (path, body) => {
    asked.push({ path, body });
    return invented(path, body);
  });
  return { ...server, asked };
}

function invented(path, body) {
  if (path === '/embeddings') {
    const vector = new Float32Array([0.6, 0.8]);
    const embedding = body.encoding_format === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
    const inputs = Array.isArray(body.input) ? body.input : [body.input];
    const data = inputs.map((_, index) => ({ object: 'embedding', index, embedding }));
    return { object: 'list', model: 'recorded', data, usage: USAGE };
  }
  const choices = Array.from({ length: body.n ?? 1 }, (_, index) => index);
  if (path === '/completions') {
    const whole = { ...ENVELOPE, object: 'text_completion' };
    const choice = (index) => ({ index, text: 'Hi.', finish_reason: 'stop', logprobs: null });
    return body.stream ? yields([{ ...whole, choices: choices.map(choice) }]) : { ...whole, choices: choices.map(choice) };
  }
  const called = body.tools && body.tool_choice !== 'none' && body.messages.at(-1).role !== 'tool';
  const { name } = called ? body.tools[0].function : {};
  const args = JSON.stringify(name === 'weather' ? { city: 'Rome' } : CHOICE);
  const tool_calls = [{ id: 'call_1', type: 'function', function: { name, arguments: args } }];
  const content = ['json_schema', 'json_object'].includes(body.response_format?.type) ? JSON.stringify(CHOICE) : 'Hi.';
  const message = { role: 'assistant', ...(called ? { content: null, tool_calls } : { content, refusal: null }) };
  const finish_reason = called ? 'tool_calls' : 'stop';
  if (!body.stream) {
    const whole = choices.map((index) => ({ index, message, finish_reason, logprobs: null }));
    return { ...ENVELOPE, object: 'chat.completion', choices: whole };
  }
  const delta = called ? { ...message, tool_calls: tool_calls.map((each, index) => ({ index, ...each })) } : message;
  const chunk = { ...ENVELOPE, object: 'chat.completion.chunk' };
  return yields([
    { ...chunk, usage: null, choices: choices.map((index) => ({ index, delta, finish_reason: null, logprobs: null })) },
    { ...chunk, usage: null, choices: choices.map((index) => ({ index, delta: {}, finish_reason, logprobs: null })) },
    ...(body.stream_options?.include_usage ? [{ ...chunk, choices: [] }] : []),
  ]);
}

async function* yields(list) {
  yield* list;
}

/** A server in front of `kinglet`. */
export function kingletServer(kinglet) {
  return start((path, body) => ask(kinglet, path, body));
}

/** What `kinglet` says to a request of OpenAI's interface. */
export async function ask(kinglet, path, body) {
  switch (path) {
    case '/chat/completions':
      return kinglet.chat.completions.create(body);
    case '/completions':
      return kinglet.completions.create(body);
    case '/embeddings':
      if (kinglet.embeddings) return kinglet.embeddings.create(body);
  }
  const param = path.slice(1);
  throw new KingletError('invalid_request', `invalid request: ${param}: expected a path that kinglet knows, got ${path}`, { param });
}
