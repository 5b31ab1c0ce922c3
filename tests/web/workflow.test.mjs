// The workflow that publishes a release: it calls only what exists, its actions are pinned, and its scripts, run here against
// a registry that stands in for npm's, publish each tarball once however often they are run.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { temporary } from './support/pack.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const text = readFileSync(join(ROOT, '.github/workflows/release.yml'), 'utf8');
const workflow = parse(text);
const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);
const scripts = steps.flatMap(({ run }) => run ?? []);
const publishing = steps.filter(({ run }) => run?.includes('npm publish '));

test('it is the only workflow, and calls what exists', () => {
  assert.deepEqual(readdirSync(join(ROOT, '.github/workflows')), ['release.yml']);
  for (const [id, job] of Object.entries(workflow.jobs)) {
    assert.ok(job['runs-on'] && job.steps.length > 0, id);
    for (const needed of [job.needs ?? []].flat()) assert.ok(needed in workflow.jobs, `${id} needs ${needed}`);
  }
  for (const step of steps) assert.equal(['run', 'uses'].filter((key) => key in step).length, 1, JSON.stringify(step));
  const usage = readFileSync(join(ROOT, 'xtask/src/main.rs'), 'utf8');
  const calls = scripts.flatMap((script) => [...script.matchAll(/cargo xtask ([a-z-]+)([^&|;\n]*)/g)]);
  assert.ok(calls.length > 0);
  for (const [, command, rest] of calls) {
    const line = usage.split('\n').find((line) => line.startsWith(`cargo xtask ${command} `));
    assert.ok(line, `cargo xtask ${command}`);
    for (const [flag] of rest.matchAll(/--[a-z-]+/g)) assert.ok(line.includes(flag), `cargo xtask ${command} ${flag}`);
  }
  for (const script of scripts) execFileSync('bash', ['-n', '-c', script]);
  const known = spawnSync('npm', [], { encoding: 'utf8' }).stdout.match(/[a-z-]+/g); // its usage, and an exit code of 1
  for (const [, command] of scripts.flatMap((script) => [...script.matchAll(/\bnpm ([a-z]+)/g)])) {
    assert.ok(known.includes(command), `npm ${command}`);
  }
});

test('every action is pinned by its commit, the same one everywhere, and says which version that is', () => {
  const used = text.split('\n').filter((line) => /\buses:/.test(line));
  assert.equal(used.length, steps.filter(({ uses }) => uses).length);
  const pins = new Map();
  for (const line of used) {
    const [, name, commit] = /uses: (actions\/[a-z-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+$/.exec(line) ?? assert.fail(line);
    assert.equal(pins.get(name) ?? commit, commit, name);
    pins.set(name, commit);
  }
});

test('it is started by a tag, publishes with provenance, and shows no secret', () => {
  assert.deepEqual(workflow.on, { push: { tags: ['v*'] } });
  assert.deepEqual(workflow.permissions, { contents: 'read' });
  assert.deepEqual(workflow.jobs.publish.permissions, { contents: 'write', 'id-token': 'write' });
  assert.equal(publishing.length, 1);
  assert.match(publishing[0].run, /npm publish --provenance --access=public --tag="\$tag" /);
  assert.deepEqual(publishing[0].env, { NODE_AUTH_TOKEN: '${{ secrets.NPM_TOKEN }}' });
  assert.ok(!scripts.some((script) => script.includes('secrets.')), 'secrets reach a script by its environment only');
});

/**
 * Stand-ins, by what they are called: `REGISTRY` has a file NAME@VERSION for each package, with its integrity in it, and a file
 * NAME with the version that "latest" names.
 */
const PROGRAMS = {
  npm: `#!/bin/bash
    case "$1" in
      view)
        [ "$DEAF" = "$3" ] && { echo 'npm error code ENOTFOUND' >&2; exit 1; }
        cat "$REGISTRY/$2" 2>/dev/null || { echo 'npm error code E404' >&2; exit 1; } ;;
      publish)
        [ "$FAILS" = "$(basename "\${@: -1}")" ] && exit 1
        name=$(basename "\${@: -1}" .tgz)
        echo "sha512-$(openssl dgst -sha512 -binary "\${@: -1}" | base64 -w0)" > "$REGISTRY/\${name%-*}@\${name##*-}"
        [[ "$*" = *' --tag=latest '* ]] && echo "\${name##*-}" > "$REGISTRY/\${name%-*}"
        echo "\${@: -1}" >> "$REGISTRY/published"
        echo "$*" | grep -o 'tag=[^ ]*' >> "$REGISTRY/tags" ;;
    esac`,
  gh: `#!/bin/bash
    echo "$2" >> "$REGISTRY/page"
    case "$2" in
      view) [ -e "$REGISTRY/created" ] ;;
      create) [ ! -e "$REGISTRY/created" ] && touch "$REGISTRY/created" ;;
    esac`,
};

/** A folder in which the publishing job's scripts can be run, with two tarballs. */
function place(t) {
  const folder = temporary('workflow');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['bin', 'registry', 'release-files/site', 'package']) mkdirSync(join(folder, name), { recursive: true });
  for (const [name, script] of Object.entries(PROGRAMS)) {
    writeFileSync(join(folder, 'bin', name), script);
    chmodSync(join(folder, 'bin', name), 0o755);
  }
  const tarball = (name, more = '', version = '0.1.0') => {
    writeFileSync(join(folder, 'package/package.json'), JSON.stringify({ name, version, more }));
    execFileSync('tar', ['-czf', `release-files/${name}-${version}.tgz`, 'package'], { cwd: folder });
  };
  const release = (version) => {
    rmSync(join(folder, 'release-files'), { recursive: true });
    mkdirSync(join(folder, 'release-files/site'), { recursive: true });
    for (const name of ['kinglet', 'kinglet-desk']) tarball(name, '', version);
  };
  release('0.1.0');
  const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}`, REGISTRY: join(folder, 'registry'), GITHUB_REF_NAME: 'v0.1.0' };
  const run = (script, more = {}) => spawnSync('bash', ['-eo', 'pipefail', '-c', script], { cwd: folder, env: { ...env, ...more }, encoding: 'utf8' });
  const lines = (name) => (existsSync(join(folder, 'registry', name)) ? readFileSync(join(folder, 'registry', name), 'utf8').trim().split('\n') : []);
  return { run, lines, tarball, release };
}

test('run again, it publishes what is missing, and nothing twice; other bytes under a published version are an error', (t) => {
  const { run, lines, tarball } = place(t);
  const [{ run: script }] = publishing;
  const both = ['./release-files/kinglet-desk-0.1.0.tgz', './release-files/kinglet-0.1.0.tgz'];
  assert.equal(run(script, { FAILS: 'kinglet-0.1.0.tgz' }).status, 1);
  assert.deepEqual(lines('published'), both.slice(0, 1));
  const second = run(script);
  assert.equal(second.status, 0, second.stderr);
  assert.deepEqual(lines('published'), both);
  const third = run(script);
  assert.deepEqual([third.status, lines('published')], [0, both]);
  assert.match(third.stdout, /kinglet-desk@0\.1\.0 is published already\nkinglet@0\.1\.0 is published already/);
  tarball('kinglet', 'changed');
  const other = run(script);
  assert.equal(other.status, 1);
  assert.match(other.stderr, /kinglet@0\.1\.0 is published with other bytes/);
  assert.deepEqual(lines('published'), both);
});

test('"latest" goes to the highest version, whenever it is published; a patch of an older line gets a tag of its own', (t) => {
  const { run, lines, release } = place(t);
  const [{ run: script }] = publishing;
  const publish = (version) => {
    release(version);
    const { status, stderr } = run(script);
    assert.equal(status, 0, stderr);
    return [lines('kinglet'), lines('kinglet-desk'), lines('tags').slice(-2)].map(String);
  };
  assert.deepEqual(publish('0.1.9'), ['0.1.9', '0.1.9', 'tag=latest,tag=latest']);
  assert.deepEqual(publish('0.1.10'), ['0.1.10', '0.1.10', 'tag=latest,tag=latest'], 'numbers, not texts, are compared');
  assert.deepEqual(publish('0.2.0'), ['0.2.0', '0.2.0', 'tag=latest,tag=latest']);
  assert.deepEqual(publish('0.1.11'), ['0.2.0', '0.2.0', 'tag=line-0.1,tag=line-0.1']);
  assert.deepEqual(publish('0.10.0'), ['0.10.0', '0.10.0', 'tag=latest,tag=latest']);
  // A registry that does not say what "latest" is: nothing is published.
  release('0.9.0');
  const deaf = run(script, { DEAF: 'version' });
  assert.equal(deaf.status, 1);
  assert.match(deaf.stderr, /ENOTFOUND/);
  assert.equal(lines('published').length, 10);
});

test('run again, it keeps the release\'s page and replaces its files', (t) => {
  const { run, lines } = place(t);
  const page = scripts.find((script) => script.includes('gh release'));
  assert.deepEqual([run(page).status, run(page).status], [0, 0]);
  assert.deepEqual(lines('page'), ['view', 'create', 'upload', 'view', 'upload']);
  assert.match(page, /gh release upload .* --clobber release-files\/\*\.tgz release-files\/SHA256SUMS /);
});
