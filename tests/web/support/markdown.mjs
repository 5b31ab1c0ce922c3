// The JavaScript of a page of documentation, made into programs that can be run.

/** The fenced blocks of one language. */
export function blocks(markdown, language = 'js') {
  return [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)].filter(([, name]) => name === language).map(([, , code]) => code);
}

/**
 * One module for a block. `import … from 'kinglet'` gets the package at `/pkg`; a block that does not load a model itself
 * gets one as `kinglet`, loaded by `prelude`. A line `expression; // → value` is checked: the value is JSON, or in single
 * quotes.
 */
export function program(block, prelude = '') {
  const lines = block.replace(/from 'kinglet'/g, "from '/pkg/dist/index.js'").split('\n');
  const imports = lines.filter((line) => line.startsWith('import '));
  const body = lines.filter((line) => !line.startsWith('import ')).map(checked);
  const own = /\bconst kinglet\b/.test(block);
  const dispose = `kinglet.dispose();`;
  return [
    ...imports,
    ...(imports.some((line) => line.includes('createKinglet')) ? [] : ["import { createKinglet } from '/pkg/dist/index.js';"]),
    `const check = ${check};`,
    own ? '' : prelude,
    ...body,
    dispose,
    'export const ran = true;',
  ].join('\n');
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
