// The official clients against kinglet: what they really send is replayed, and what kinglet says to it is parsed by the
// clients themselves, over HTTP. The expectation of every request stands beside it in tests/cases/openai.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { record } from '../../tools/openai_requests.mjs';
import { KingletError } from '../../pkg/dist/index.js';
import { notBuilt } from './support/browser.mjs';
import { noDesk } from './support/desk.mjs';
import { nodeKinglet } from './support/node-engine.mjs';
import { CLIENTS } from './support/openai-calls.mjs';
import { ask, kingletServer } from './support/openai-server.mjs';
import { toolModel } from './support/tool-model.mjs';

const skip = notBuilt() ?? noDesk() ?? false;
const fixture = (name) => JSON.parse(readFileSync(new URL(`../cases/openai/${name}.json`, import.meta.url), 'utf8'));
const REASONS = ['stop', 'length', 'tool_calls'];

let real;
let server;
before(async () => {
  if (skip) return;
  real = await nodeKinglet(await toolModel());
  server = await kingletServer(real.kinglet);
});
after(async () => {
  await server?.close();
  real?.close();
});

/** The error of a request that is refused: code and parameter as the fixture says. */
function refused(error, { code, param }, name) {
  assert.ok(error instanceof KingletError, `${name}: ${error}`);
  assert.deepEqual([error.code, error.detail.param], [code, param], `${name}: ${error.message}`);
  assert.match(error.message, /expected .+, got /, name);
}

/** An answer has OpenAI's shape, and says how many tokens it took. */
function complete({ path, body }, answer, name) {
  if (path === '/embeddings') {
    assert.equal(answer.object, 'list', name);
    return assert.ok(answer.usage.prompt_tokens > 0, name);
  }
  assert.match(answer.id, /^(chatcmpl|cmpl)-/, name);
  assert.equal(answer.object, path === '/completions' ? 'text_completion' : 'chat.completion', name);
  const prompts = Array.isArray(body.prompt) ? body.prompt.length : 1;
  assert.equal(answer.choices.length, prompts * (body.n ?? 1), name);
  for (const [index, choice] of answer.choices.entries()) {
    assert.equal(choice.index, index, name);
    assert.ok(REASONS.includes(choice.finish_reason), `${name}: ${choice.finish_reason}`);
  }
  const { prompt_tokens, completion_tokens, total_tokens } = answer.usage;
  assert.equal(prompt_tokens + completion_tokens, total_tokens, name);
}

/** Chunks of an answer: one id, an end for every choice, the counts where they were asked for. */
function completeStream({ body }, chunks, name) {
  assert.equal(new Set(chunks.map(({ id }) => id)).size, 1, name);
  for (let index = 0; index < (body.n ?? 1); index += 1) {
    const choices = chunks.flatMap((chunk) => chunk.choices);
    const ends = choices.filter((choice) => choice.index === index && choice.finish_reason !== null);
    assert.equal(ends.length, 1, name);
    assert.ok(REASONS.includes(ends[0].finish_reason), name);
  }
  if (body.stream_options?.include_usage) {
    assert.ok(Number.isInteger(chunks.at(-1).usage.completion_tokens), name);
  }
}

/** What a client made of an answer is one. */
function parsed({ texts, calls = [], tokens, object, vectors }, expect, name) {
  if (vectors !== undefined) {
    assert.ok(vectors.length > 0 && vectors.every((vector) => Math.abs(Math.hypot(...vector) - 1) < 1e-3), name);
    return;
  }
  assert.ok(texts.every((text) => typeof text === 'string'), name);
  assert.ok(tokens === undefined || Number.isInteger(tokens), name);
  assert.ok(calls.length > 0 || expect !== 'call', name);
  for (const call of calls) {
    assert.ok(call.name === 'weather' && ['Rome', 'Oslo'].includes(call.args.city), name);
  }
  if (object !== undefined) {
    assert.ok(['wren', 'robin'].includes(object.name) && typeof object.small === 'boolean', name);
  } else {
    assert.ok(texts.length > 0, name);
  }
}

for (const [client, calls] of Object.entries(CLIENTS)) {
  test(`${client}: the fixture holds what the installed client sends`, async () => {
    assert.deepEqual(fixture(client), JSON.parse(JSON.stringify(await record(calls))), 'node tools/openai_requests.mjs');
  });

  test(`${client}: every recorded request is answered, or refused as documented`, { skip }, async () => {
    const { cases } = fixture(client);
    assert.ok(cases.length > 10);
    for (const each of cases) {
      const name = `${client}: ${each.name}`;
      const answer = (async () => {
        const said = await ask(real.kinglet, each.path, each.body);
        if (!each.body.stream) return said;
        const chunks = [];
        for await (const chunk of said) chunks.push(chunk);
        return chunks;
      })();
      if (typeof each.expect === 'object') {
        await answer.then(() => assert.fail(`${name}: was answered`), (error) => refused(error, each.expect, name));
      } else if (each.body.stream) {
        completeStream(each, await answer, name);
      } else {
        complete(each, await answer, name);
      }
    }
  });

  test(`${client}: the client itself parses the answers and the refusals`, { skip }, async () => {
    for (const { name, expect, run } of calls.calls) {
      const outcome = await run(server.url).then((value) => ({ value }), (error) => ({ error }));
      const said = outcome.error?.message ?? JSON.stringify(outcome.value);
      if (typeof expect === 'string') {
        assert.equal(outcome.error, undefined, `${client}: ${name}: ${said}`);
        parsed(outcome.value, expect, `${client}: ${name}: ${said}`);
      } else {
        assert.ok(outcome.error, `${client}: ${name}: was answered`);
        assert.equal(outcome.error.status ?? outcome.error.statusCode, 400, `${client}: ${name}: ${said}`);
        assert.ok(said.includes(expect.param), `${client}: ${name}: ${said}`);
      }
    }
  });
}
