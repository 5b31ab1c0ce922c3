// OpenAI's HTTP interface in two versions: one that answers what is written here and records what it was asked, and the
// package's own with a Kinglet behind it, so that the official clients parse what it says.
import { createServer } from 'node:http';
import { fetchHandler } from '../../../pkg/dist/fetch-handler.js';

const CHOICE = { name: 'wren', small: true };
const USAGE = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const ENVELOPE = { id: 'chatcmpl-1', created: 1_700_000_000, model: 'recorded', usage: USAGE };

/** Starts a server; `answer(request)` gives a Response. */
async function start(answer) {
  const server = createServer((request, response) => {
    respond(request, response, answer).catch((error) => response.destroy(error));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  const origin = `http://127.0.0.1:${server.address().port}`;
  return {
    origin,
    url: `${origin}/v1`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

async function respond(request, response, answer) {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += piece;
  const { method, url, headers } = request;
  const asked = new Request(`http://${headers.host}${url}`, { method, headers: { 'content-type': headers['content-type'] }, body: text });
  const { status, headers: said, body } = await answer(asked);
  response.writeHead(status, Object.fromEntries(said));
  for await (const chunk of body) response.write(chunk);
  response.end();
}

/** A server whose answers are made up, and which keeps `{path, body}` of every request in `asked`. */
export async function recorder() {
  const asked = [];
  const server = await start(async (request) => {
    const [path, body] = [new URL(request.url).pathname.replace('/v1', ''), await request.json()];
    asked.push({ path, body });
    const said = invented(path, body);
    return Array.isArray(said) ? events(said) : Response.json(said);
  });
  return { ...server, asked };
}

/** A server whose chats are answered by `say(text of the last message)`: a text, or a Response. */
export function answering(say) {
  return start(async (request) => {
    const { messages } = await request.json();
    const said = await say(messages.at(-1).content);
    const message = { role: 'assistant', content: said, refusal: null };
    return said instanceof Response ? said : Response.json({ ...ENVELOPE, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop', logprobs: null }] });
  });
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
    const answer = { ...whole, choices: choices.map(choice) };
    return body.stream ? [answer] : answer;
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
  return [
    { ...chunk, usage: null, choices: choices.map((index) => ({ index, delta, finish_reason: null, logprobs: null })) },
    { ...chunk, usage: null, choices: choices.map((index) => ({ index, delta: {}, finish_reason, logprobs: null })) },
    ...(body.stream_options?.include_usage ? [{ ...chunk, choices: [] }] : []),
  ];
}

function events(chunks) {
  const lines = [...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]'].map((data) => `data: ${data}\n\n`);
  return new Response(lines.join(''), { headers: { 'Content-Type': 'text/event-stream' } });
}

/** A server in front of `kinglet`: the package's own handler, as in a service worker. */
export async function kingletServer(kinglet) {
  const listener = fetchHandler(async () => kinglet);
  const server = await start((request) => new Promise((respondWith) => listener({ request, respondWith, waitUntil: () => undefined })));
  globalThis.location = { origin: server.origin }; // a service worker's own
  return server;
}

/** What `kinglet` says to a request of OpenAI's interface. */
export async function ask(kinglet, path, body) {
  switch (path) {
    case '/chat/completions':
      return kinglet.chat.completions.create(body);
    case '/completions':
      return kinglet.completions.create(body);
    case '/embeddings':
      return kinglet.embeddings.create(body);
    default:
      throw new Error(`no such path: ${path}`);
  }
}
