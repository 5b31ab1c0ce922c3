// What a first visit to the released site costs, in bytes and milliseconds: printed, and the bytes held to a bound.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { measureSite } from '../../tools/first_answer.mjs';
import { missing } from './support/browser.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SITE = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'release-files/site');
const skip = missing() ?? (existsSync(join(SITE, 'index.html')) ? false : 'no release: cargo xtask release');

test('the first answer of a released site', { skip }, async (t) => {
  const { bytes, cold, warm } = await measureSite(SITE);
  for (const [until, { files, plain, gzip }] of Object.entries(bytes)) {
    t.diagnostic(`until ${until}: ${files} files, ${plain} bytes, ${gzip} after gzip`);
  }
  for (const [visit, { usable_ms, model_ms, first_token_ms }] of Object.entries({ cold, warm })) {
    t.diagnostic(`${visit}: usable after ${usable_ms} ms, model after ${model_ms} ms, first token after ${first_token_ms} ms`);
    assert.ok(usable_ms > 0 && usable_ms <= model_ms && model_ms < first_token_ms);
  }
  assert.ok(bytes.usable.gzip < 400_000, `${bytes.usable.gzip} bytes before the page can be used`);
  assert.ok(bytes.usable.gzip < bytes.model.gzip && bytes.model.gzip <= bytes.kept.gzip);
});
