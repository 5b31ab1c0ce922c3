// What npm packs, and fresh projects of customers: their manifests and lock files are in tests/pack, their code is what the
// package's README tells them to write.
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** A new folder outside of this repository, so that nothing is found in its node_modules. */
export function temporary(name) {
  return realpathSync(mkdtempSync(join(tmpdir(), `kinglet-${name}-`)));
}

/** Packs a package of this repository into `folder`: the tarball's path, and the paths in it. */
export function pack(path, folder) {
  const listed = execFileSync('npm', ['pack', '--json', '--loglevel=error', join(ROOT, path)], { cwd: folder, encoding: 'utf8' });
  const [{ filename, files }] = JSON.parse(listed);
  return { file: join(folder, filename), files: files.map((file) => file.path).sort() };
}

/** Unpacks a tarball into `folder`. */
export function unpack(tarball, folder) {
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1']);
}

/** Runs a program in `cwd` to its end; an error has all that it said. */
export async function run(cwd, program, ...args) {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NO_COLOR: '1' };
  try {
    return await promisify(execFile)(program, args, { cwd, env, maxBuffer: 1 << 24 });
  } catch (failed) {
    throw new Error(`${program} ${args.join(' ')}: ${failed.message}\n${failed.stdout}\n${failed.stderr}`);
  }
}

/**
 * A fresh project in `folder`: the manifest of tests/pack/NAME with what its lock file says, the tarballs, and the files of
 * the section of the README that is called `heading`.
 */
export async function project(name, { folder, tarballs, heading }) {
  const home = join(folder, name);
  cpSync(join(ROOT, 'tests/pack', name), home, { recursive: true });
  const npm = (...args) => run(home, 'npm', ...args, '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error');
  await npm('ci');
  await npm('install', '--no-save', ...tarballs);
  write(home, start(heading));
  return home;
}

/** Writes files, by their paths in `home`. */
export function write(home, files) {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text);
  }
}

/** A section of the package's README. */
function section(heading) {
  const readme = readFileSync(join(ROOT, 'pkg/README.md'), 'utf8');
  const found = readme.split(/^#+ /m).find((text) => text.startsWith(`${heading}\n`));
  if (found === undefined) throw new Error(`pkg/README.md has no section "${heading}"`);
  return found;
}

/** The packages that a section of the package's README says to install, in an empty folder. */
export function installs(heading) {
  return /^ {4}npm install ([\w\- ]+?)(?: +(?:&&|#).*)?$/m.exec(section(heading))?.[1].split(' ') ?? [];
}

/** The files that a section of the package's README says to write: `name` on a line of its own, then its text in a fence. */
export function start(heading) {
  const files = {};
  for (const [, name, text] of section(heading).matchAll(/^`([^`\n]+)`:?\n\n```\w+\n([\s\S]*?)^```$/gm)) {
    files[name] = text;
  }
  if (Object.keys(files).length === 0) throw new Error(`the section "${heading}" of pkg/README.md names no file`);
  return files;
}
