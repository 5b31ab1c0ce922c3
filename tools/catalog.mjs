// Recomputes what follows from models/catalog.json: the memory in it, and the tables in docs/choosing-a-model.md.
//   node tools/catalog.mjs           fails where they are other than what follows
//   node tools/catalog.mjs --write   writes them

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { contextsOf, memoryOf, SHARE, workingMemory } from '../www/services/memory.js';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
export const CATALOG = at('models/catalog.json');
export const GUIDE = at('docs/choosing-a-model.md');
/** Memory of devices, in GiB. */
const DEVICES = [1, 2, 3, 4, 6, 8, 12, 16];
const GIB = 2 ** 30;

const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(2)} GB`;

/** An entry's memory at the context that it gets when nobody says: its own, at most 4096. */
function memory(entry) {
  const context = Math.min(4096, entry.context ?? 4096);
  const total = memoryOf(entry, context);
  return { context, ...workingMemory(entry.shape, context), total: entry.bytes === null ? null : total };
}

/** The catalogue with its memory computed. */
export const completed = (catalogue) => ({ ...catalogue, models: catalogue.models.map((entry) => ({ ...entry, memory: memory(entry) })) });

/** What a device of `gib` can hold: the largest of the general models, with the largest context. */
function largest(models, gib, cacheType) {
  const room = gib * GIB * SHARE;
  const general = models.filter(({ tags, bytes }) => bytes && !tags.includes('task'));
  const fits = general.flatMap((entry) => {
    const context = contextsOf(entry.context).find((tokens) => memoryOf(entry, tokens, cacheType) <= room);
    return context ? [{ entry, context, takes: memoryOf(entry, context, cacheType) }] : [];
  });
  return fits.sort((a, b) => b.entry.parameters - a.entry.parameters)[0];
}

function devices({ models }) {
  const cell = (found) => (found ? `${found.entry.name}, ${found.context} tokens: ${gigabytes(found.takes)}` : 'desk');
  const rows = DEVICES.map((gib) => {
    const [gpu, cpu] = ['f16', 'q8_0'].map((type) => cell(largest(models, gib, type)));
    return `| ${gib} GiB | ${gigabytes(gib * GIB * SHARE)} | ${gpu} | ${cpu} |`;
  });
  return ['| memory | a page’s half | cache in `f16` | cache in `q8_0` |', '|---|---:|---|---|', ...rows].join('\n');
}

function caches({ models }) {
  const rows = models.map((entry) => {
    const context = Math.min(4096, entry.context ?? 4096);
    const [f16, q8] = ['f16', 'q8_0'].map((type) => `${(workingMemory(entry.shape, context, type).cache / 1e6).toFixed(0)} MB`);
    const file = entry.bytes ? gigabytes(entry.bytes) : `about ${gigabytes(entry.estimated_bytes)}`;
    return `| ${entry.name} | ${entry.format} | ${file} | ${context} | ${f16} | ${q8} | ${gigabytes(memoryOf(entry, context))} |`;
  });
  return ['| model | format | file | context | cache `f16` | cache `q8_0` | all with `f16` |', '|---|---|---:|---:|---:|---:|---:|', ...rows].join('\n');
}

/** The guide with its tables computed. */
export function guide(text, catalogue) {
  const tables = { devices: devices(catalogue), models: caches(catalogue) };
  return text.replace(/(<!-- tools\/catalog\.mjs: (\w+) -->\n)[^]*?(<!-- end -->)/g, (_, begin, name, end) => `${begin}${tables[name]}\n${end}`);
}

export const read = () => JSON.parse(readFileSync(CATALOG, 'utf8'));
export const written = (catalogue) => `${JSON.stringify(catalogue, null, 2)}\n`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const catalogue = completed(read());
  const files = [[CATALOG, written(catalogue)], [GUIDE, guide(readFileSync(GUIDE, 'utf8'), catalogue)]];
  for (const [path, text] of files) {
    if (process.argv.includes('--write')) writeFileSync(path, text);
    else if (readFileSync(path, 'utf8') !== text) {
      console.error(`${path} is not what follows from the catalogue: node tools/catalog.mjs --write`);
      process.exitCode = 1;
    }
  }
}
