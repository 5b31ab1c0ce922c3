// A real server of a real model (llama.cpp's, from the Python package xllamacpp), and the relay before it.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** A Python with the packages of real-llm.txt, and the relay: `cargo xtask test` has both. */
export const PYTHON = process.env.KINGLET_REAL_PYTHON;
const RELAY = process.env.KINGLET_RELAY;

/** Why there is no real server, or undefined. */
export const noRealServer = () =>
  PYTHON && existsSync(PYTHON) ? undefined : 'no real server: KINGLET_REAL_PYTHON names a Python with tests/web/support/real-llm.txt';
export const noRelay = () => (RELAY && existsSync(RELAY) ? undefined : 'no relay: KINGLET_RELAY names the program kinglet-relay');

/** A child that says `ready(line)` on a stream; what it says on stderr is kept for the error if it does not. */
export async function start(command, args, stream, ready, options = {}) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const said = [];
  let up;
  const lines = (from) =>
    createInterface({ input: from }).on('line', (line) => {
      said.push(line);
      if (from === child[stream]) up?.(line);
    });
  lines(child.stdout);
  lines(child.stderr);
  const value = await new Promise((resolve, reject) => {
    up = (line) => {
      const found = ready(line);
      if (found !== undefined) resolve(found);
    };
    child.once('error', reject);
    ended.then((code) => reject(new Error(`${command} ended with ${code}:\n${said.slice(-20).join('\n')}`)));
    setTimeout(() => reject(new Error(`${command} is not ready:\n${said.slice(-20).join('\n')}`)), 60_000).unref();
  }).catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });
  up = undefined;
  return { value, child, ended, said };
}

/** Serves a GGUF of models/desk: `url`, `version`; `slots()`: what the server says that it is doing; `counted()`; `close()`. */
export async function realServer(model = 'desk') {
  const file = here(`../../../models/desk/${model}.gguf`);
  const { value, child, ended } = await start(PYTHON, [here('real-llm.py'), file, here('real-llm.jinja')], 'stdout', (line) => JSON.parse(line));
  return {
    ...value,
    slots: async () => (await fetch(`${value.url}/slots`)).json(),
    /** Tokens since it started, by its own count: of prompts, without those from its cache, and of answers. */
    async counted() {
      const text = await fetch(`${value.url}/metrics`).then((answer) => answer.text());
      const of = (name) => Number(new RegExp(`^llamacpp:${name} (\\S+)$`, 'm').exec(text)?.[1]);
      return { prompt: of('prompt_tokens_total'), predicted: of('tokens_predicted_total') };
    },
    async close() {
      child.stdin.end();
      const late = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(late);
    },
  };
}

const SECRET = 'a-secret-of-tests-that-is-long-enough-0123456789';

/** Prices of {@link realRelay}, in micro-units a million tokens. */
export const PRICE = { inputPerMillion: 2_000_001, outputPerMillion: 8_000_003, cachedPerMillion: 500_000 };

/** Micro-units by these prices, divided once and rounded up. */
export function costOf({ input, output, cached = 0 }) {
  const { inputPerMillion, outputPerMillion, cachedPerMillion } = PRICE;
  return Math.ceil(((input - cached) * inputPerMillion + cached * cachedPerMillion + output * outputPerMillion) / 1_000_000);
}

/** The relay before `upstreams`, `{model: {api, base, timeouts}}`; `most` micro-units a day, at `price`. */
export async function realRelay(upstreams, { origins = [], most = 1_000_000_000, price: prices = PRICE } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'kinglet-relay-'));
  const table = (values) => `{ ${Object.entries(values).map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join(', ')} }`;
  const price = table({ ...prices, currency: 'USD', asOf: '2026-11-22' });
  const config = join(folder, 'relay.toml');
  writeFileSync(
    config,
    [
      'listen = "127.0.0.1:0"',
      `origins = ${JSON.stringify(origins)}`,
      `state = ${JSON.stringify(join(folder, 'state'))}`,
      'tokens = { secret = { env = "RELAY_SECRET" } }',
      `budget = { currency = "USD", perDay = ${most}, perMonth = ${most} }`,
      '[tiers.free]',
      `perDay = ${most}\nperMonth = ${most}\nrequestsPerMinute = 10_000\ntokensPerMinute = 100_000_000\nmaxTokens = 1000`,
      `models = ${JSON.stringify(Object.keys(upstreams))}`,
      ...Object.entries(upstreams).flatMap(([name, { api = 'openai', base, timeouts = {} }]) => [
        `[upstreams.${name}]`,
        `api = "${api}"\nbaseURL = ${JSON.stringify(base)}\nkey = { env = "RELAY_KEY" }\ntimeouts = ${table(timeouts)}`,
        `models.${name} = { model = ${JSON.stringify(name)}, price = ${price} }`,
      ]),
    ].join('\n'),
  );
  const env = { ...process.env, RELAY_SECRET: SECRET, RELAY_KEY: 'sk-key-of-the-relay' };
  const listening = (line) => {
    const { message, address } = JSON.parse(line);
    return message === 'listening' ? address : undefined;
  };
  const { value, child, ended, said } = await start(RELAY, ['serve', config], 'stderr', listening, { env });
  return {
    // As a page of these tests may ask it, by its Content-Security-Policy.
    url: `http://localhost:${value.split(':').at(-1)}`,
    /** What its log says of the nth request that ended, from 1; its line comes a little after its answer. */
    async request(n) {
      const until = Date.now() + 10_000;
      for (;;) {
        const lines = said.filter((line) => line.includes('"message":"request"'));
        if (lines.length >= n) return JSON.parse(lines[n - 1]);
        if (Date.now() > until) throw new Error(`${lines.length} requests have ended, expected ${n}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    log: () => said.join('\n'),
    /** A token for a user, from the relay's own command. */
    async token(user = 'ann', seconds = 600) {
      const made = await start(RELAY, ['token', config, user, 'free', String(seconds)], 'stdout', (line) => line, { env });
      await made.ended;
      return made.value;
    },
    async close() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(late);
      rmSync(folder, { recursive: true });
    },
  };
}
