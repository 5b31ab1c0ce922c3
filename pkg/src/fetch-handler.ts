// Answers `fetch` as OpenAI's server would, so that any OpenAI client in a page can talk to the engine of the page's own
// service worker. Nothing leaves the device: the addresses are of the page's origin, and no server ever sees them.

import type { Kinglet } from './client.js';
import { aborted, KingletError, toWire, type ErrorCode, type WireError } from './errors.js';

/** The part of a `FetchEvent` that is needed. */
export interface FetchEventLike {
  readonly request: Request;
  /** The page that asks. */
  readonly clientId?: string;
  respondWith(response: Response | Promise<Response>): void;
  waitUntil(done: Promise<unknown>): void;
}

/** How the handler is set up. */
export interface HandlerOptions {
  /** Where the API is, on the page's origin. Default `/v1`. */
  path?: string;
  /** What `GET models` calls the model; default: its own name when it is loaded, which asking does not do, else `kinglet`. */
  model?: string;
}

/** A streamed answer, a whole one, or (for `GET models`) a list. */
type Answer = AsyncIterable<unknown> | object;
type Call = (kinglet: Kinglet, body: never) => Promise<Answer>;
/** The engine, as requests want it. */
interface Engine {
  /** It, loaded. */
  get(): Promise<Kinglet>;
  /** Its model's name. */
  name(): string;
}

const POST: Record<string, Call> = {
  'chat/completions': (kinglet, body) => kinglet.chat.completions.create(body),
  completions: (kinglet, body) => kinglet.completions.create(body),
  embeddings: (kinglet, body) => kinglet.embeddings.create(body),
};

/** How often it is looked whether the page that asked is still there. */
const LOOK_MS = 500;

/** An answer that has not come whole by then begins before it is complete. What is wrong with a request shows sooner, unless others are served first. */
const SOON_MS = 1000;
const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' };

/** HTTP statuses of errors. Clients try again after 409, 429 and 5xx: none of those where that cannot help. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  download_refused: 412,
  aborted: 499,
  not_loaded: 503,
  worker_failed: 503,
  gpu_lost: 503,
  rate_limited: 429,
  budget_exhausted: 402,
  consent_denied: 403,
  no_answer: 412,
  remote_failed: 502,
};
const CLIENT_ERRORS: readonly ErrorCode[] = [
  'invalid_request',
  'context_overflow',
  'template',
  'template_refused',
  'unsupported_feature',
  'invalid_grammar',
  'unsupported_grammar',
];

/**
 * A listener for the `fetch` event: it answers what lies below `path`, and leaves every other event alone.
 * `engine` is asked with the first request, and again when it failed, or when what it gave was disposed of.
 */
export function fetchHandler(engine: () => Promise<Kinglet>, { path = '/v1', model }: HandlerOptions = {}): (event: FetchEventLike) => void {
  const base = `${path.replace(/\/+$/, '')}/`;
  let loading: Promise<Kinglet> | undefined;
  let loaded: Kinglet | undefined;
  const begin = async () => {
    try {
      return (loaded = await engine());
    } catch (thrown) {
      loading = undefined;
      throw thrown;
    }
  };
  const one: Engine = {
    get: () => {
      if (loaded?.disposed) {
        loaded = loading = undefined;
      }
      return (loading ??= begin());
    },
    name: () => model ?? (loaded?.ready === false ? undefined : loaded?.info.model) ?? 'kinglet',
  };
  return (event) => {
    const { request } = event;
    const { origin, pathname } = new URL(request.url);
    // A page of another origin can send a form here, as a navigation; it must not be answered.
    if (origin !== globalThis.location.origin || !pathname.startsWith(base) || request.mode === 'navigate') {
      return;
    }
    let finish: () => void = () => undefined;
    event.waitUntil(new Promise<void>((resolve) => (finish = resolve))); // else the browser may end the worker mid-answer
    event.respondWith(respond(request, pathname.slice(base.length), one, event.clientId, finish));
  };
}

async function respond(
  request: Request,
  name: string,
  engine: Engine,
  client: string | undefined,
  finished: () => void,
): Promise<Response> {
  const call = request.method === 'POST' && Object.hasOwn(POST, name) ? POST[name] : undefined;
  let streaming = false;
  const control = new AbortController();
  const unwatch = watchClient(client, control);
  const finish = () => {
    unwatch();
    finished();
  };
  try {
    if (request.method === 'GET' && name === 'models') {
      return json(models(engine.name()), 200);
    }
    if (call === undefined) {
      const what = `expected POST to one of ${Object.keys(POST).join(', ')}, or GET models, got ${request.method} ${name}`;
      return failure(new KingletError('invalid_request', `invalid request: ${what}`, { param: 'path' }), 404);
    }
    const abort = () => control.abort(request.signal.reason);
    request.signal.addEventListener('abort', abort);
    if (request.signal.aborted) {
      abort();
    }
    const body = { ...(await bodyOf(request)), signal: control.signal };
    if (control.signal.aborted) {
      throw aborted(control.signal); // nobody waits for a model to be loaded
    }
    const working = call(await engine.get(), body as never);
    const answer = await soon(working);
    if (answer === undefined) {
      streaming = true;
      return new Response(late(working, control, finish), { headers: JSON_HEADERS });
    }
    if (!(Symbol.asyncIterator in answer)) {
      return json(answer, 200);
    }
    const chunks = (answer as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    const first = await chunks.next(); // what is wrong with the request shows here, while there can still be a status
    streaming = true;
    return new Response(events(first, chunks, control, finish), {
      headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' },
    });
  } catch (thrown) {
    const { code } = toWire(thrown);
    return failure(thrown, STATUS[code] ?? (CLIENT_ERRORS.includes(code) ? 400 : 500));
  } finally {
    if (!streaming) {
      finish();
    }
  }
}

/** What `working` comes to; undefined when that takes long. */
async function soon(working: Promise<Answer>): Promise<Answer | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), SOON_MS)));
  try {
    return await Promise.race([working, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A whole answer that takes long, as a body that the page may give up: of an answer that has not begun Chromium does not
 * say that. What fails now breaks the body off, as the end of a server would.
 */
function late(working: Promise<Answer>, control: AbortController, finish: () => void): ReadableStream<Uint8Array> {
  const ended = working.finally(finish);
  ended.catch(() => undefined);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        controller.enqueue(new TextEncoder().encode(JSON.stringify(await ended)));
        controller.close();
      },
      cancel: (reason) => control.abort(reason),
    },
    { highWaterMark: 0 },
  );
}

/** Aborts when the page is gone, which browsers do not say of an answer that is to come as a whole. Returns how to end that. */
function watchClient(id: string | undefined, control: AbortController): () => void {
  const { clients } = globalThis as { clients?: { get(id: string): Promise<object | undefined> } };
  if (clients === undefined || id === undefined || id === '') {
    return () => undefined;
  }
  const look = async () => {
    if ((await clients.get(id)) === undefined) {
      control.abort();
    }
  };
  const timer = setInterval(() => void look().catch(() => undefined), LOOK_MS);
  return () => clearInterval(timer);
}

async function bodyOf(request: Request): Promise<Record<string, unknown>> {
  const text = await request.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = undefined;
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new KingletError('invalid_request', `invalid request: body: expected a JSON object, got ${text.length} characters of something else`, { param: 'body' });
  }
  return body as Record<string, unknown>;
}

/** Server-sent events, one for each chunk. Chunks are made as they are read; to stop reading is to stop computing. */
function events(
  first: IteratorResult<unknown>,
  chunks: AsyncIterator<unknown>,
  control: AbortController,
  finish: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let pending: IteratorResult<unknown> | undefined = first;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const send = (data: string) => controller.enqueue(encoder.encode(`data: ${data}\n\n`));
        try {
          const { done, value } = pending ?? (await chunks.next());
          pending = undefined;
          if (done !== true) {
            return send(JSON.stringify(value));
          }
          send('[DONE]');
        } catch (thrown) {
          send(JSON.stringify({ error: shape(toWire(thrown)) }));
        }
        controller.close();
        finish();
      },
      async cancel(reason) {
        control.abort(reason);
        await chunks.return?.().catch(() => undefined);
        finish();
      },
    },
    { highWaterMark: 0 },
  );
}

function models(id: string): object {
  return { object: 'list', data: [{ id, object: 'model', created: 0, owned_by: 'kinglet' }] };
}

/** As OpenAI's clients expect an error; what else there is to know lies in `kinglet`. */
function shape({ code, message, detail }: WireError): object {
  const type = CLIENT_ERRORS.includes(code) ? 'invalid_request_error' : 'server_error';
  return { message, type, param: typeof detail.param === 'string' ? detail.param : null, code, kinglet: { detail } };
}

function failure(thrown: unknown, status: number): Response {
  return json({ error: shape(toWire(thrown)) }, status);
}

function json(body: object, status: number): Response {
  return new Response(JSON.stringify(body), { status, headers: JSON_HEADERS });
}
