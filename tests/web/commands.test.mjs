// The commands of the documentation: those that can be typed as they stand are run, with small files under the names that they use; of
// the others (a synopsis, minutes of work) each option is one that the program knows. JavaScript: docs.test.mjs.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DESK_NANO } from './support/desk.mjs';
import { fences } from './support/markdown.mjs';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path) => readFileSync(join(ROOT, path), 'utf8');
const { KINGLET_CLI: CLI, KINGLET_RELAY: RELAY } = process.env;
const skip = CLI && existsSync(CLI) ? false : 'no program kinglet: KINGLET_CLI names it';
const noRelay = RELAY && existsSync(RELAY) ? false : 'no relay: KINGLET_RELAY names the program kinglet-relay';
const PROGRAMS = /^(?:kinglet|cargo|node|python3|kinglet-relay|target\/release\/kinglet-relay|grep|export|npm|npx|curl) /;
const PAGES = ['README.md', 'models/desk/README.md', ...readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];

/** Indented lines and blocks of `sh`, one command each, without what a `#` says of it. */
function commands(page) {
  const indented = [...page.replace(/^```.*?^```$/gms, '').matchAll(/^(?:> )? {4}(\S.*)$/gm)].map(([, line]) => line);
  const fenced = fences(page).filter(({ name }) => name === 'sh').flatMap(({ code }) => code.split('\n'));
  return [...indented, ...fenced].map((line) => line.replace(/ +# .*$/, '').trim()).filter((line) => PROGRAMS.test(`${line} `));
}

const ALL = PAGES.flatMap((path) => commands(read(path)).map((line) => ({ path, line })));
/** Not to be typed as it stands: it leaves something open. */
const isSynopsis = (line) => /[[…|]|\b[A-Z]{2,}(?:\b|\.)/.test(line.replace(/"[^"]*"/g, ''));

let folder;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'kinglet-commands-'));
  for (const name of ['model.gguf', 'Phi-3-mini-4k-instruct-q4.gguf']) copyFileSync(DESK_NANO, join(folder, name));
  copyFileSync(join(ROOT, 'tests/goldens/qwen2.gguf'), join(folder, 'model-f16.gguf'));
  writeFileSync(join(folder, 'texts.jsonl'), '{"text":"Where is my parcel?"}\n');
  writeFileSync(join(folder, 'tasks.jsonl'), '{"id":"1","task":"classify","messages":[{"role":"user","content":"classify: refund, parcel\\nmessage: my parcel never came"}],"labels":["refund","parcel"],"answer":"parcel"}\n');
  const rows = read('tests/cases/route/clinc_desk.jsonl').trim().split('\n').map((line) => JSON.parse(line));
  writeFileSync(join(folder, 'rows.jsonl'), rows.map((row) => `${JSON.stringify({ ...row, score: 1 - row.signals.label_max, remote_ok: true })}\n`).join(''));
  symlinkSync(join(ROOT, 'models'), join(folder, 'models'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a line in a shell; what it prints. Its `kinglet` is the one that was built. */
function type(line) {
  const prepared = line.replace(/^cargo run --release -p kinglet-cli -- /, 'kinglet ').replace(/^kinglet /, `"${CLI}" `);
  return execFileSync('bash', ['-euc', prepared], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000, env: { ...process.env, KINGLET_MODELS: join(ROOT, 'models/desk') } });
}

const typed = ALL.filter(({ line }) => /^(?:kinglet|cargo run --release -p kinglet-cli --) /.test(line) && !isSynopsis(line) && !line.includes('target/'));
test('the commands of README are among those that are typed', () => {
  assert.ok(typed.filter(({ path }) => path === 'README.md').length >= 8, JSON.stringify(typed));
});
for (const { path, line } of typed) {
  test(`${path}: ${line}`, { skip }, () => {
    assert.ok(type(line).length > 0 || line.includes('quantize'), 'it says something');
  });
}

test('a command that is wrong is noticed', { skip }, () => {
  assert.throws(() => type('kinglet inspect absent.gguf'));
  assert.throws(() => type('kinglet generate model.gguf --temprature 1'));
});

/** Options that a program's command knows. */
const known = {
  kinglet(words) {
    const names = words.slice(0, words.findIndex((word) => !/^[a-z-]+$/.test(word)) >>> 0);
    const path = names[0] === 'route' ? names.slice(0, 2) : names.slice(0, 1);
    return execFileSync(CLI, [...path, '--help'], { encoding: 'utf8' });
  },
  cargo: () => read('xtask/src/main.rs') + read('xtask/src/bench/cpu.rs') + read('xtask/src/bench/gpu.rs') + read('xtask/src/args.rs'),
  node: ([script]) => read(script) + (existsSync(join(ROOT, script.replace('.mjs', '_day.mjs'))) ? ['_day', '_quality', '_check'].map((part) => read(script.replace('.mjs', `${part}.mjs`))).join('') : ''),
  python3: (words) => words.filter((word) => word.endsWith('.py')).map(read).join(),
};

test('each option of the other commands is one that the program knows', { skip }, () => {
  const wrong = [];
  let seen = 0;
  for (const { path, line } of ALL) {
    const [program, ...words] = line.replace(/[[\]]/g, ' ').split(/\s+/);
    if (!known[program] || (program === 'cargo' && words[0] !== 'xtask')) continue;
    const text = known[program](words);
    for (const option of line.match(/(?<=\s|\[)--[a-z][\w-]*/g) ?? []) {
      seen += 1;
      if (!text.includes(option) && !text.includes(`'${option.slice(2)}'`) && !text.includes(`"${option.slice(2)}"`) && !new RegExp(`\\b${option.slice(2).replace(/-(\w)/g, (_, c) => c.toUpperCase())}\\b`).test(text)) wrong.push(`${path}: ${option} of ${line}`);
    }
    if (program === 'cargo' && !text.includes(`cargo xtask ${words[1]}`)) wrong.push(`${path}: ${line}`);
  }
  assert.ok(seen > 40, `${seen} options`);
  assert.deepEqual(wrong, []);
});

test('docs/relay.md: the example configuration starts a relay', { skip: noRelay }, async () => {
  const line = commands(read('docs/relay.md')).find((text) => text.includes('kinglet-relay serve'));
  const [, config] = /serve (\S+)/.exec(line);
  const own = join(folder, 'relay.toml');
  writeFileSync(own, read(config).replace(/^listen = .*$/m, 'listen = "127.0.0.1:0"').replace(/^state = .*$/m, `state = "${join(folder, 'state')}"`));
  const relay = spawn(RELAY, ['serve', own], { env: { ...process.env, RELAY_SECRET: 'x'.repeat(64), OPENAI_API_KEY: 'not-a-key', ANTHROPIC_API_KEY: 'not-a-key' } });
  try {
    const said = await new Promise((resolve, reject) => {
      let text = '';
      const hear = (data) => (text += data).includes('127.0.0.1:') && resolve(text);
      relay.stdout.on('data', hear);
      relay.stderr.on('data', hear);
      relay.on('exit', (code) => reject(new Error(`it ended with ${code}: ${text}`)));
    });
    assert.match(said, /127\.0\.0\.1:\d+/);
  } finally {
    relay.kill();
    if (relay.exitCode === null && relay.signalCode === null) await once(relay, 'exit'); // it writes into the folder that is removed next
  }
});
