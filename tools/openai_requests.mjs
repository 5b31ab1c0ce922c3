// Writes tests/cases/openai/*.json: the request bodies that the official clients send for the calls in
// tests/web/support/openai-calls.mjs, recorded by a server on this machine. Run: node tools/openai_requests.mjs
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CLIENTS } from '../tests/web/support/openai-calls.mjs';
import { recorder } from '../tests/web/support/openai-server.mjs';

const FOLDER = fileURLToPath(new URL('../tests/cases/openai/', import.meta.url));

/** `{packages, cases: [{name, path, body, expect}]}`; a call of several requests gives several cases. */
export async function record({ packages, calls }) {
  const server = await recorder();
  try {
    const cases = [];
    for (const { name, expect, run } of calls) {
      server.asked.length = 0;
      await run(server.url);
      cases.push(...server.asked.map(({ path, body }, i) => ({ name: i === 0 ? name : `${name}, then`, path, body, expect })));
    }
    return { packages, cases };
  } finally {
    await server.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, client] of Object.entries(CLIENTS)) {
    const fixture = await record(client);
    writeFileSync(`${FOLDER}${name}.json`, `${JSON.stringify(fixture, null, 1)}\n`);
    console.log(`${name}: ${fixture.cases.length} requests`);
  }
}
