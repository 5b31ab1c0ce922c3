// The compiler over tests/types: the package's types against those of the `openai` package, and the adapters as their
// users compile them. Lines there that must not compile say so, and fail when they do.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

test('the types fit those of the openai package, the AI SDK and LangChain', () => {
  assert.ok(existsSync(`${ROOT}pkg/dist/index.d.ts`), 'pkg/dist is not built: cargo xtask pkg');
  const files = readdirSync(`${ROOT}tests/types`).filter((name) => name.endsWith('.ts'));
  const expected = files.map((name) => readFileSync(`${ROOT}tests/types/${name}`, 'utf8').match(/@ts-expect-error/g)?.length ?? 0);
  assert.ok(expected.every((count) => count > 0), 'every file shows that its checks can fail');
  const { status, stdout } = spawnSync(process.execPath, [`${ROOT}node_modules/typescript/bin/tsc`, '--project', `${ROOT}tests/types`], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout);
});
