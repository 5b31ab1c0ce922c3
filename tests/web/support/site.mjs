// A site as it is deployed: its files and the list of them (xtask/src/offline.rs).
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Changes the site in `folder`, and writes its list anew; the version that it is then. */
export function deploy(folder, change) {
  change();
  const file = (name) => join(folder, name);
  const { files } = JSON.parse(readFileSync(file('offline.json'), 'utf8'));
  for (const address of Object.keys(files)) {
    if (address !== 'model.json') files[address] = digest(readFileSync(file(address === '.' ? 'index.html' : address)));
  }
  const preset = { ...JSON.parse(readFileSync(file('model.json'), 'utf8')), offline: undefined };
  const version = digest(JSON.stringify([preset, { ...files, 'model.json': undefined }])).slice(0, 16);
  const text = JSON.stringify({ ...preset, offline: version });
  writeFileSync(file('model.json'), text);
  writeFileSync(file('offline.json'), JSON.stringify({ version, files: { ...files, 'model.json': digest(text) } }));
  return version;
}
