// Takes comments and white space out of wasm-bindgen's glue: `node glue.mjs FILE…`, in place; what is small stays as it is.
import { readFileSync, writeFileSync } from 'node:fs';
import { transform } from 'esbuild';

for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, 'utf8');
  const { code } = await transform(text, { minifyWhitespace: true, legalComments: 'none', format: 'esm', target: 'es2022' });
  if (code !== text) writeFileSync(file, code);
}
