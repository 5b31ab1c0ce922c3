// Takes out of the package's scripts what only people read, names left as they are: `node shrink.mjs FILE…`, in place. A
// source map beside a script goes on leading to the TypeScript.
import { build } from 'esbuild';

await build({
  entryPoints: process.argv.slice(2),
  outdir: 'pkg',
  outbase: 'pkg',
  allowOverwrite: true,
  format: 'esm',
  target: 'es2022',
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  sourcemap: process.argv.some((file) => file.startsWith('pkg/dist/')),
  logLevel: 'warning',
});
