// The adapters out of the packed package, as a customer's project finds them: by the names of its exports, in Node and by
// the compiler, whichever way it resolves modules.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { notBuilt } from './support/browser.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const skip = notBuilt() ?? false;

const PROGRAM = `
import { APICallError, generateText } from 'ai';
import { KingletError } from 'kinglet';
import { createKingletProvider, KingletCallError } from 'kinglet/ai-sdk';
import { ChatKinglet } from 'kinglet/langchain';

const message = { role: 'assistant' as const, content: 'hi', refusal: null };
const create = async ({ messages }: { messages: { content: string }[] }) => {
  if (messages[0]?.content === 'fail') throw new KingletError('invalid_request', 'no', { param: 'messages' });
  return { id: '1', created: 1, model: 'm', choices: [{ index: 0, message, finish_reason: 'stop' }] };
};
const kinglet = { info: { model: 'm' }, chat: { completions: { create } }, embeddings: { create } };
const model = createKingletProvider(kinglet)();
const error: unknown = await generateText({ model, prompt: 'fail' }).catch((error: unknown) => error);
console.log(
  (await generateText({ model, prompt: 'x' })).text,
  (await new ChatKinglet({ kinglet }).invoke('x')).text,
  // One class of errors, whichever entry it came through.
  error instanceof KingletError && error instanceof KingletCallError && APICallError.isInstance(error),
);
`;

let folder;
before(() => {
  if (skip) return;
  // Inside the repository: what the package is a peer of is found further up.
  mkdirSync(`${ROOT}target`, { recursive: true });
  folder = mkdtempSync(`${ROOT}target/customer-`);
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder, join(ROOT, 'pkg')], { cwd: folder });
  const [tarball] = readdirSync(folder);
  mkdirSync(join(folder, 'node_modules'));
  execFileSync('tar', ['-xzf', tarball, '-C', 'node_modules'], { cwd: folder });
  execFileSync('mv', ['node_modules/package', 'node_modules/kinglet'], { cwd: folder });
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  writeFileSync(join(folder, 'program.ts'), PROGRAM);
});
after(() => folder && rmSync(folder, { recursive: true }));

function compile(module, resolution) {
  const flags = ['--strict', '--target', 'es2022', '--lib', 'es2023,dom,dom.asynciterable', '--types', '', '--skipLibCheck'];
  const how = ['--module', module, '--moduleResolution', resolution, '--ignoreConfig'];
  return spawnSync(process.execPath, [`${ROOT}node_modules/typescript/bin/tsc`, ...flags, ...how, 'program.ts'], {
    cwd: folder,
    encoding: 'utf8',
  });
}

test('a project compiles against both subpaths, and runs', { skip }, () => {
  for (const how of [['esnext', 'bundler'], ['nodenext', 'nodenext']]) {
    const { status, stdout } = compile(...how);
    assert.equal(status, 0, `${how}: ${stdout}`);
  }
  assert.equal(execFileSync(process.execPath, ['program.js'], { cwd: folder, encoding: 'utf8' }), 'hi hi true\n');
});
