// What `cargo xtask start --demo` starts, for tests: `kinglet serve` and the relay before it, both the real programs, and between the
// page and the relay a connection that can be cut.
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { noRelay, realRelay, start } from './real-llm.mjs';

const CLI = process.env.KINGLET_CLI;
const MODELS = fileURLToPath(new URL('../../../models/desk', import.meta.url));

/** Why there is no demo, or undefined. */
export const noDemo = () => noRelay() ?? (CLI && existsSync(CLI) ? undefined : 'no native tool: KINGLET_CLI names the program kinglet');

/** `kinglet serve MODEL`: its address, and `close()`. */
export async function nativeServer(model = 'desk') {
  const args = ['serve', model, '--port', '0', '--backend', 'cpu', '--threads', '1'];
  const { value, child, ended } = await start(CLI, args, 'stdout', (line) => JSON.parse(line).listening, { env: { ...process.env, KINGLET_MODELS: MODELS } });
  const close = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return { base: value, close };
}

/** A port of this machine behind which `to` answers, while it is connected. */
async function wire(to) {
  const open = new Set();
  let connected = true;
  const server = createServer((here) => {
    const there = connect(Number(to), '127.0.0.1');
    for (const socket of [here, there]) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => open.delete(socket));
    }
    if (connected) here.pipe(there).pipe(here);
    else [here, there].forEach((socket) => socket.destroy());
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => open.forEach((socket) => socket.destroy());
  return {
    port: server.address().port,
    connect(word) {
      connected = word === 'on';
      if (!connected) cut();
    },
    close() {
      cut();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Everything behind a page of `origin`: what model.json says under `demo`, the relay, `network(word)`, `close()`. */
export async function startDemo(origin, price) {
  const upstream = await nativeServer('desk');
  const relay = await realRelay({ desk: { base: upstream.base } }, { origins: [origin], price });
  const cable = await wire(new URL(relay.url).port);
  return {
    preset: { baseURL: `http://localhost:${cable.port}/v1`, token: await relay.token(), model: 'desk', price: { ...price, currency: 'USD', asOf: '2026-11-22' }, network: 'demo/network' },
    relay,
    network: cable.connect,
    async close() {
      await cable.close();
      await relay.close();
      await upstream.close();
    },
  };
}
