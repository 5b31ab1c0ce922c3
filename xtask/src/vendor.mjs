// Bundles what the page uses of others into www/vendor, one script each, with the licences of everything that went in. The page's
// own scripts are not bundled: they are served as they are written.
import { build } from 'esbuild';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const OUT = 'www/vendor';
/** Script -> what it exports. A page loads only those that the view imports which is shown. */
const BUNDLES = {
  'lit-html': `
    export { html, svg, render, nothing, noChange } from 'lit-html';
    export { repeat } from 'lit-html/directives/repeat.js';
    export { guard } from 'lit-html/directives/guard.js';
    export { live } from 'lit-html/directives/live.js';
    export { ref } from 'lit-html/directives/ref.js';
    export { ifDefined } from 'lit-html/directives/if-defined.js';
    export { classMap } from 'lit-html/directives/class-map.js';`,
  idb: `export { openDB, deleteDB } from 'idb';`,
  markdown: `export { default as MarkdownIt } from 'markdown-it'; export { default as DOMPurify } from 'dompurify';`,
  plot: `export * from '@observablehq/plot';`,
  pdf: `export { getDocument, GlobalWorkerOptions } from 'pdfjs-dist';`,
};
/** What is a worker of its own. */
const COPIES = { 'pdf.worker.js': ['pdfjs-dist', 'build/pdf.worker.min.mjs'] };

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
const packages = new Set(Object.values(COPIES).map(([name]) => name));
for (const [name, contents] of Object.entries(BUNDLES)) {
  const { metafile } = await build({
    stdin: { contents, resolveDir: process.cwd() },
    outfile: join(OUT, `${name}.js`),
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  for (const input of Object.keys(metafile.inputs)) {
    const [, found] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input) ?? [];
    if (found) packages.add(found);
  }
}
for (const [to, [name, path]] of Object.entries(COPIES)) {
  copyFileSync(join('node_modules', name, path), join(OUT, to));
}

/** Name, version, licence and its text of a package. */
function notice(name) {
  const folder = join('node_modules', name);
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  if (files.length === 0 && !license) throw new Error(`${name} says no licence`);
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return `${'-'.repeat(80)}\n${name} ${version} (${license})\n\n${texts.join('\n\n')}\n`;
}
writeFileSync(join(OUT, 'LICENSES.txt'), `The scripts of this folder contain these packages.\n\n${[...packages].sort().map(notice).join('\n')}`);
