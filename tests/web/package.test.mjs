// The package as npm packs it: everything that its manifest names is there, types resolve as they are looked up, source
// maps show the sources, and what starts by itself is marked so that no bundler drops it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { notBuilt } from './support/browser.mjs';
import { pack, temporary, unpack } from './support/pack.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const skip = notBuilt() ?? false;
/** What `SCRIPTS` of xtask/src/pkg.rs names. */
const SCRIPTS = {
  'vendor/eventsource-parser.js': 'eventsource-parser/dist/index.js',
  'vendor/minisearch.js': 'minisearch/dist/es/index.js',
  'vendor/json-schema': '@cfworker/json-schema/dist/esm',
};
const manifest = JSON.parse(readFileSync(join(ROOT, 'pkg/package.json'), 'utf8'));
/** Every address in `exports`: [subpath, condition, file]. */
const targets = Object.entries(manifest.exports).flatMap(([path, to]) =>
  typeof to === 'string' ? [[path, 'default', to]] : Object.entries(to).map(([condition, file]) => [path, condition, file]),
);

let folder;
let installed;
before(() => {
  if (skip) return;
  folder = temporary('package');
  installed = join(folder, 'node_modules/kinglet');
  unpack(pack('pkg', folder).file, installed);
});
after(() => folder && rmSync(folder, { recursive: true, force: true }));

test('every export is in the tarball, types before the rest', { skip }, () => {
  for (const [path, condition, file] of targets) {
    assert.ok(existsSync(join(installed, file)), `${path} (${condition}): ${file}`);
  }
  for (const [path, to] of Object.entries(manifest.exports)) {
    if (typeof to === 'object') assert.equal(Object.keys(to)[0], 'types', path);
    else assert.doesNotMatch(to, /\.js$/, `${path} is a script and names no types`);
  }
});

test('every entry of `files` is in the tarball', { skip }, () => {
  for (const name of manifest.files) assert.ok(existsSync(join(installed, name)), name);
});

test('publint finds nothing to say, of this package and of kinglet-desk', { skip }, async () => {
  const desk = join(folder, 'node_modules/kinglet-desk');
  unpack(pack('models/desk', folder).file, desk);
  for (const pkgDir of [installed, desk]) {
    const { messages, pkg } = await publint({ pkgDir, strict: true, pack: false });
    assert.deepEqual(messages.map((message) => formatMessage(message, pkg)), [], pkg.name);
  }
});

test('what runs when it is imported is in `sideEffects`', { skip }, () => {
  const scripts = readdirSync(join(installed, 'dist'), { recursive: true }).filter((name) => name.endsWith('.js'));
  const marked = manifest.sideEffects.map((path) => path.replace('./dist/', ''));
  const own = scripts.filter((name) => sources(name).some(([, text]) => runs(text)));
  assert.deepEqual(own.sort(), marked.sort());
});

/** What a script of the tarball was made from, by its source map: [path, text]. */
function sources(name) {
  const path = join(installed, 'dist', name);
  const address = /^\/\/# sourceMappingURL=(\S+)\s*$/m.exec(readFileSync(path, 'utf8'))?.[1];
  assert.ok(address, `${name} names no source map`);
  const map = JSON.parse(readFileSync(join(dirname(path), address), 'utf8'));
  assert.equal(map.sources.length, map.sourcesContent?.length ?? 0, name); // none of a file of types alone
  return map.sources.map((source, i) => [source, map.sourcesContent[i]]);
}

/** A call or an assignment to something of the browser's on the top level of a script. */
function runs(text) {
  return text.split('\n').some((line) => /^(if \(|scope\.|self\.|globalThis\.|addEventListener\(|serve\(|new [A-Z])/.test(line));
}

/** Subpaths that a script may import, with what comes of it. */
const subpaths = targets.filter(([, condition]) => condition === 'types').map(([path]) => `kinglet${path.slice(1)}`);
/** Dependencies that a customer has installed beside the package, where he uses the subpath that wants them. */
const PEERS = Object.keys(manifest.peerDependencies ?? {});

for (const [name, options] of Object.entries({
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
  node16: { module: 'node16', moduleResolution: 'node16' },
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext' },
})) {
  test(`types resolve under moduleResolution ${name}`, { skip }, () => {
    const project = join(folder, `types-${name}`);
    mkdirSync(project);
    writeFileSync(join(project, 'package.json'), '{"private": true, "type": "module"}');
    const compilerOptions = { ...options, target: 'es2022', lib: ['es2023', 'dom', 'dom.iterable'], strict: true, noEmit: true, types: [] };
    // Those of the peers are theirs to keep right; the package's own declarations are checked below.
    compilerOptions.paths = Object.fromEntries(PEERS.flatMap((peer) => [peer, `${peer}/*`].map((path) => [path, [join(ROOT, 'node_modules', path)]])));
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...compilerOptions, skipLibCheck: true }, include: ['*.ts'] }));
    const imports = subpaths.map((path, i) => `import * as m${i} from '${path}';\nvoid m${i};`);
    const use = `
import { createKinglet, KingletError, type ChatChunk, type Kinglet } from 'kinglet';
const kinglet: Kinglet = await createKinglet({ model: 'm.gguf' });
const stream = await kinglet.chat.completions.create({ messages: [{ role: 'user', content: 'Hi' }], stream: true });
for await (const chunk of stream) ((piece: ChatChunk) => piece.choices[0]?.delta.content)(chunk);
const whole = await kinglet.chat.completions.create({ messages: [] });
const text: string | null = whole.choices[0].message.content;
const code: string = new KingletError('io', text ?? '').code;
// @ts-expect-error a wrong option is an error of the compiler's
await createKinglet({ model: 1, code });
export {};
`;
    writeFileSync(join(project, 'main.ts'), `${imports.join('\n')}${use}`);
    assert.equal(tsc(project), '');
    if (name === 'bundler') {
      const own = { ...compilerOptions, skipLibCheck: false };
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: own, include: ['*.ts'] }));
      assert.deepEqual(tsc(project).split('\n').filter((line) => line.includes('node_modules/kinglet/')), [], 'the declarations themselves');
    }
  });
}

/** What the compiler says about a project. */
function tsc(project) {
  try {
    return execFileSync(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '--project', project, '--pretty', 'false'], { encoding: 'utf8' });
  } catch (failed) {
    return failed.stdout;
  }
}

test('every script has a source map that holds its sources', { skip }, () => {
  const scripts = readdirSync(join(installed, 'dist'), { recursive: true }).filter((name) => name.endsWith('.js'));
  assert.ok(scripts.length > 10, `${scripts.length} scripts`);
  for (const name of scripts) {
    for (const [source, text] of sources(name)) {
      // Another's script is copied and made smaller here: its map holds it as it came.
      const folder = SCRIPTS[dirname(name)];
      const script = SCRIPTS[name] ?? (folder === undefined ? undefined : join(folder, source));
      const origin = script === undefined ? join('pkg/dist', dirname(name), source) : join('node_modules', script);
      assert.equal(text, readFileSync(join(ROOT, origin), 'utf8'), `${name}: ${source}`);
    }
  }
  assert.ok(scripts.some((name) => sources(name).some(([, text]) => text.includes(': string'))), 'TypeScript, not what became of it');
});
