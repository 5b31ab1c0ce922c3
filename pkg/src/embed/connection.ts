// The way to a page in a frame: its window for the first words, to its exact origin, then a port. Notices when the page was ended.

import { aborted } from '../errors.js';
import { EmbedError } from './error.js';
import { checkFromPage } from './messages.js';
import { freshName } from './name.js';
import type { ConnectOptions } from './options.js';
import { VERSIONS, type AppSays, type Capabilities, type FromPage, type PageSays } from './types.js';

/** Ids of this file's own requests. */
const HELLO = 'hello';
const BEAT = 'beat';

/** What a connection tells. */
export interface Listener {
  heard(said: PageSays): void;
  /** Another life of the page is connected. */
  again(session: string): void;
  gone(error: EmbedError): void;
  /** Something waits for the page. */
  busy(): boolean;
}

export class Connection {
  readonly ready: Promise<void>;
  capabilities: Capabilities | undefined;
  session: string | undefined;
  private port: MessagePort | undefined;
  private heardAt = performance.now();
  private readonly timer: ReturnType<typeof setInterval>;
  private readonly end = new AbortController();
  private readonly name = freshName();
  private readonly patience: number;
  private connected!: () => void;
  private refused!: (error: Error) => void;

  constructor(
    private readonly frame: HTMLIFrameElement,
    private readonly options: ConnectOptions,
    private readonly listener: Listener,
  ) {
    const { origin, signal } = options;
    if (!URL.canParse(origin) || origin === 'null' || new URL(origin).origin !== origin) {
      throw new EmbedError('invalid_request', `invalid request: origin: expected exactly an origin, as "https://app.example", got ${String(origin)}`, { param: 'origin' });
    }
    this.patience = options.patienceMs ?? 30_000;
    this.ready = new Promise((resolve, reject) => {
      this.connected = resolve;
      this.refused = reject;
    });
    this.ready.catch(() => undefined); // those that wait for it are told
    const ended = { signal: this.end.signal };
    addEventListener('message', (event) => this.atWindow(event), ended);
    signal?.addEventListener('abort', () => this.fail(aborted(signal)), ended);
    this.timer = setInterval(() => this.beat(), Math.max(50, this.patience / 4));
    this.greet();
  }

  /** Says something; to nobody where the page is not there: what is open is said again. */
  say(said: AppSays, transfer: Transferable[] = []): void {
    this.port?.postMessage({ kinglet: 1, ...said }, transfer);
  }

  close(): void {
    this.fail(new EmbedError('page_gone', 'the connection was closed'));
  }

  private fail(error: Error): void {
    clearInterval(this.timer);
    this.end.abort();
    this.port?.close();
    this.port = undefined;
    this.refused(error);
  }

  /** A page that has begun says so; only that of this frame, and only with this origin. */
  private atWindow({ source, origin, data }: MessageEvent): void {
    if (source === null || source !== this.frame.contentWindow || origin !== this.options.origin) {
      return;
    }
    const said = read(data);
    if (said?.type === 'awake' && said.session !== this.session) {
      this.greet();
    }
  }

  /** Offers a port; only a window of the right origin gets it. */
  private greet(): void {
    const { port1, port2 } = new MessageChannel();
    this.port?.close();
    this.port = port1;
    port1.onmessage = ({ data }) => port1 === this.port && this.atPort(data);
    const { patience } = this.options;
    const hello = { kinglet: 1, type: 'hello', id: HELLO, versions: [...VERSIONS], host: this.name, ...(patience === undefined ? {} : { patience }) };
    this.frame.contentWindow?.postMessage(hello, this.options.origin, [port2]);
  }

  private atPort(data: unknown): void {
    this.heardAt = performance.now();
    const said = read(data);
    if (said === undefined) {
      return;
    }
    if (said.type === 'ready') {
      const before = this.session;
      this.session = said.session;
      this.capabilities = said.capabilities;
      this.connected();
      if (before !== undefined && before !== said.session) {
        this.listener.again(said.session);
      }
    } else if (said.type === 'error' && said.id === HELLO) {
      this.fail(new EmbedError(said.error.code, said.error.message, said.error.detail));
    } else if (!('id' in said) || said.id !== BEAT) {
      this.listener.heard(said);
    }
  }

  /** Asks for a sign of life while something is open: a page that says nothing for long is gone. */
  private beat(): void {
    const connecting = this.session === undefined;
    if (!connecting && !this.listener.busy()) {
      this.heardAt = performance.now();
      return;
    }
    if (performance.now() - this.heardAt < this.patience) {
      return connecting ? undefined : this.say({ type: 'ping', id: BEAT });
    }
    const error = new EmbedError('page_gone', `the page has said nothing for ${this.patience} ms`, { ms: this.patience });
    this.heardAt = performance.now();
    if (connecting) {
      this.fail(error);
    } else {
      this.listener.gone(error);
    }
  }
}

/** What a message is, where it is one: whatever else a page says is nothing to this side. */
function read(data: unknown): FromPage | undefined {
  try {
    return checkFromPage(data);
  } catch {
    return undefined;
  }
}
