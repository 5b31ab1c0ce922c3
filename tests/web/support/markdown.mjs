// The JavaScript of a page of documentation, made into programs that can be run.

/** The fenced blocks of one language. */
export function blocks(markdown, language = 'js') {
  return fences(markdown).filter(({ name }) => name === language).map(({ code }) => code);
}

/** All fenced blocks: {name, code}, `name` the language, or empty. */
export function fences(markdown) {
  return [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, name, code]) => ({ name, code }));
}

/** Where the package's entries are on a test's server. */
const ENTRIES = {
  kinglet: '/pkg/dist/index.js',
  'kinglet/embed': '/pkg/dist/embed/index.js',
  'kinglet/local': '/pkg/dist/local.js',
  'kinglet/route': '/pkg/dist/route/index.js',
  'kinglet/service-worker': '/pkg/dist/service-worker.js',
  'kinglet-desk': '/kinglet-desk.js', // the test's own: the real package is desk-package.test.mjs's
};
/** What a sample may use of the package without saying where it comes from. */
const EXPORTS = ['availability', 'createKinglet', 'downloadModel', 'modelStore', 'visible'];

/** The same code with the addresses of a test's server. */
export function resolved(code) {
  return code.replace(/(from |import\()'(kinglet[\w/-]*)'/g, (all, begin, name) => (ENTRIES[name] ? `${begin}'${ENTRIES[name]}'` : all));
}

/**
 * One module for a block. A block that uses a `kinglet` and does not make one gets the one that `prelude` makes; what else it uses and
 * does not declare is declared by `words` (name to expression). A line `expression; // → value` is checked: the value is JSON,
 * or in single quotes.
 */
export function program(block, prelude = '', words = {}) {
  const lines = resolved(block).split('\n');
  const imports = lines.filter((line) => line.startsWith('import '));
  const body = lines.filter((line) => !line.startsWith('import ')).map(checked);
  const own = declares(block, 'kinglet') || !needs(block, words).some((text) => used(text, 'kinglet'));
  const given = needed(own ? block : `${prelude}\n${block}`, words);
  const before = given.filter((line) => !used(line, 'kinglet'));
  const text = [...before, own ? '' : prelude, ...given.filter((line) => !before.includes(line)), ...body].join('\n');
  const missing = EXPORTS.filter((name) => used(text, name) && !imports.some((line) => used(line, name)));
  return [
    ...imports,
    missing.length > 0 ? `import { ${missing.join(', ')} } from '${ENTRIES.kinglet}';` : '',
    `const check = ${check};`,
    text,
    declares(text, 'kinglet') ? 'kinglet.dispose();' : '',
    'export const ran = true;',
  ].join('\n');
}

/** Not as a field, a field's name or a part of an address. */
const used = (text, name) => new RegExp(`(?<![.\\w/'-])${name}(?![\\w/'-]|\\s*:)`).test(text);
/** By itself, in a pattern, or imported. */
const declares = (block, name) =>
  new RegExp(`\\b(?:const|let)\\s+${name}\\b`).test(block) ||
  [...block.matchAll(/\b(?:const|let)\s+\{(.*?)\}\s*=|^import (.*) from/gm)].some(([, pattern, imported]) => used(pattern ?? imported, name));

/** A block, and the words that it needs. */
const needs = (block, words) => [block, ...needed(block, words)];

/** Declarations of the words that a block uses and does not declare; a word's own words come before it. */
function needed(block, words, have = new Set()) {
  return Object.entries(words).flatMap(([name, value]) => {
    if (have.has(name) || !used(block, name) || declares(block, name)) return [];
    have.add(name);
    return [...needed(value, words, have), `const ${name} = ${value};`];
  });
}

function checked(line) {
  const found = /^(.*?);\s*\/\/ → (.*)$/.exec(line);
  if (!found) return line;
  const value = found[2].replace(/'((?:[^'\\]|\\.)*)'/g, (_, text) => JSON.stringify(text));
  JSON.parse(value); // what is promised must be a value
  return `check(${found[1]}, ${value}, ${JSON.stringify(found[1])});`;
}

function check(got, wanted, what) {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) {
    throw new Error(`${what}: the page says ${JSON.stringify(wanted)}, it is ${JSON.stringify(got)}`);
  }
}
