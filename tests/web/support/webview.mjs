// The WebKitGTK host of apps/webview-linux: compiled here, started under a screen of its own, driven by lines.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { notBuilt } from './browser.mjs';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const XVFB = '/usr/bin/Xvfb';
/** How long anything may take here, in ms: a web process that starts beside other tests takes seconds. */
const PATIENCE = 40_000;

/** Why there is no WebKitGTK host here, or undefined. */
export function noWebView() {
  try {
    execFileSync('pkg-config', ['--exists', 'webkit2gtk-4.1'], { stdio: 'ignore' });
  } catch {
    return 'no libwebkit2gtk-4.1-dev';
  }
  return existsSync(XVFB) ? notBuilt() : `no Xvfb at ${XVFB}`;
}

/** A screen, and the compiled host: `{open(args), close()}`. */
export async function webViews() {
  const folder = mkdtempSync(join(tmpdir(), 'kinglet-webview-'));
  execFileSync('make', ['-s', '-C', join(ROOT, 'apps/webview-linux'), `OUT=${folder}/`], { stdio: ['ignore', 'ignore', 'inherit'] });
  const screen = spawn(XVFB, ['-displayfd', '1', '-screen', '0', '800x600x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [display] = await new Promise((resolve) => createInterface(screen.stdout).once('line', (line) => resolve([line])));
  const opened = new Set();
  return {
    folder,
    async open(args = []) {
      const view = new View(join(folder, 'kinglet-webview'), args, display);
      opened.add(view);
      return view;
    },
    async close() {
      await Promise.all([...opened].map((view) => view.close()));
      screen.kill();
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 }); // their web processes may still write
    },
  };
}

/** One window, and what its page has said. */
class View {
  constructor(program, args, display) {
    const env = { ...process.env, DISPLAY: `:${display}`, GDK_BACKEND: 'x11', NO_AT_BRIDGE: '1' };
    this.child = spawn(program, ['--www', join(ROOT, 'www'), '--pkg', join(ROOT, 'pkg'), ...args], { env, stdio: ['pipe', 'pipe', 'ignore'] });
    this.child.stdin.on('error', () => undefined); // it has ended: whoever waits is told below
    this.over = new Promise((resolve) => this.child.once('exit', resolve));
    this.said = [];
    this.waiting = new Set();
    this.lastId = 0;
    createInterface(this.child.stdout).on('line', (line) => {
      this.said.push(line.startsWith('!') ? line : JSON.parse(line));
      this.waiting.forEach((look) => look());
    });
  }

  /** The first thing said since `from` that `is` holds for; `ms`: undefined is what comes if there is none by then. */
  until(is, from = 0, ms) {
    return new Promise((resolve, reject) => {
      const end = (how, what) => {
        this.waiting.delete(look);
        clearTimeout(timer);
        how(what);
      };
      const late = () => (ms === undefined ? end(reject, new Error(`not said: ${is}\n${JSON.stringify(this.said.slice(-5))}`)) : end(resolve, undefined));
      const timer = setTimeout(late, ms ?? PATIENCE);
      const look = () => {
        const found = this.said.slice(from).find(is);
        if (found !== undefined) end(resolve, found);
      };
      this.waiting.add(look);
      this.over.then(late);
      look();
    });
  }

  line(text) {
    this.child.stdin.write(`${text}\n`);
  }

  say(message) {
    this.line(JSON.stringify({ kinglet: 1, ...message }));
  }

  /** Says a request: `{id, end}`; `end` resolves to `{value}` or `{error}`, with all that came before under `heard`. */
  request(message) {
    const id = ++this.lastId;
    const from = this.said.length;
    this.say({ ...message, id });
    const end = this.until((said) => said.id === id && ['done', 'error', 'ready'].includes(said.type), from).then((said) => ({
      ...said,
      heard: this.said.slice(from).filter((one) => one.id === id),
    }));
    return { id, end };
  }

  /** Waits for the page and greets it; `from`: what it has said before does not count. */
  async greet(from = 0) {
    const { session } = await this.until(({ type }) => type === 'awake', from);
    const ready = await this.request({ type: 'hello', versions: [1], host: 'test' }).end;
    return { session, ready };
  }

  async close() {
    this.line('!quit');
    const patience = setTimeout(() => this.child.kill('SIGKILL'), 3000);
    await this.over;
    clearTimeout(patience);
  }
}
