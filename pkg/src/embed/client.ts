// The app's side, for apps that speak JavaScript: a frame with the page in it becomes an engine.

import { aborted } from '../errors.js';
import type { CallOptions, ChatChunk, ChatCompletion, ChatParams, Info } from '../types.js';
import { answering } from './answering.js';
import { Chat } from './chat.js';
import { Connection } from './connection.js';
import { EmbedError } from './error.js';
import type { ConnectOptions, EmbedChat, EmbedLoad } from './options.js';
import type { AppSays, Capabilities, EmbedModel, EmbedOptions, Loaded, PageSays, Values } from './types.js';

/**
 * Connects to the page in a frame: `src` is the address of embed.html, on `origin`. Resolves when the page has said what it can.
 *
 * @throws EmbedError `page_gone` where nobody answers in time, `bad_version`.
 */
export async function connectEmbed(frame: HTMLIFrameElement, options: ConnectOptions): Promise<Embed> {
  const embed = new Embed(frame, options);
  await embed.connected;
  return embed;
}

/** Whether a message is said for the first time, or to a page that was ended meanwhile. */
type Time = 'first' | 'again';
/** A request without its end. */
interface Open {
  type: keyof Values;
  say: (time: Time) => void;
  heard: (said: PageSays) => void;
  failed: (error: Error) => void;
}
/** What is said for a request. */
type Says<T extends keyof Values> = Omit<Extract<AppSays, { type: T }>, 'id'>;

/** A page in a frame. */
export class Embed {
  readonly chat: { readonly completions: EmbedChat };
  /** @internal */
  readonly connected: Promise<void>;
  private readonly connection: Connection;
  private readonly open = new Map<number, Open>();
  private readonly blobs = new Map<string, Blob>();
  /** What was loaded last: for a page that was ended. */
  private wanted: EmbedLoad | undefined;
  private loading: Promise<unknown> = Promise.resolve();
  /** When requests may be made: after a restart not before the model is there again. */
  private turn: Promise<unknown>;
  private lives = 0;
  private described: Info | undefined;
  private lastId = 0;

  /** @internal */
  constructor(
    frame: HTMLIFrameElement,
    private readonly options: ConnectOptions,
  ) {
    const answer = answering(options, this.blobs);
    this.connection = new Connection(frame, options, {
      heard: (said) => {
        if (said.type === 'notice') {
          options.onNotice?.(said.notice);
        } else if ('id' in said && typeof said.id === 'number') {
          this.open.get(said.id)?.heard(said);
        } else {
          answer(said, (back, transfer) => this.connection.say(back, transfer));
        }
      },
      again: (session) => this.again(session),
      gone: (error) => this.fail(error),
      busy: () => this.open.size > 0,
    });
    this.connected = this.connection.ready;
    this.turn = this.connected;
    this.turn.catch(() => undefined); // whoever connects hears of it
    this.chat = { completions: { create: ((params: ChatParams, given?: CallOptions) => this.create(params, given)) as EmbedChat['create'] } };
  }

  /** What was loaded. @throws EmbedError `not_loaded`. */
  get info(): Info {
    if (this.described === undefined) {
      throw new EmbedError('not_loaded', 'no model was loaded into this page');
    }
    return this.described;
  }

  /** What the page can do. */
  get capabilities(): Capabilities | undefined {
    return this.connection.capabilities;
  }

  /** Which life of the page this is: another one after it was ended. */
  get session(): string | undefined {
    return this.connection.session;
  }

  /** Loads a model into the page, in place of another. */
  async load(load: EmbedLoad): Promise<Loaded> {
    const { onProgress, signal } = load;
    this.wanted = load;
    const heard = (said: PageSays): void => {
      if (said.type === 'progress') {
        onProgress?.(said.progress);
      }
    };
    const loading = this.ask('load', () => ({ type: 'load', ...this.modelOf(load) }), signal, heard);
    this.loading = loading;
    const loaded = await loading;
    this.described = loaded.info ?? undefined;
    return loaded;
  }

  /** Whether a model would run in this page, within a bound of memory; reads its header. */
  availability(load: Pick<EmbedLoad, 'model' | 'options' | 'memory' | 'signal'>): Promise<Values['availability']> {
    return this.ask('availability', () => ({ type: 'availability', ...this.modelOf(load) }), load.signal);
  }

  /** What was spent; with `rows` every line of it. */
  ledger(about: { rows?: boolean; since?: number } = {}): Promise<Values['ledger']> {
    return this.ask('ledger', () => ({ type: 'ledger', ...about }));
  }

  /** What the page's store has. */
  stored(): Promise<Values['stored']> {
    return this.ask('stored', () => ({ type: 'stored' }));
  }

  /** Counters. */
  stats(): Promise<Values['stats']> {
    return this.ask('stats', () => ({ type: 'stats' }));
  }

  /** Ends the engine and frees its memory; the next chat brings it back. */
  async unload(): Promise<void> {
    await this.ask('unload', () => ({ type: 'unload' }));
  }

  /** Lets go of the model. */
  async dispose(): Promise<void> {
    this.wanted = undefined;
    this.described = undefined;
    await this.ask('dispose', () => ({ type: 'dispose' }));
  }

  /** Whether the page is there. */
  async ping(): Promise<void> {
    await this.ask('ping', () => ({ type: 'ping' }));
  }

  /** Ends the connection; what is open fails with `page_gone`. The frame stays. */
  close(): void {
    this.connection.close();
    this.fail(new EmbedError('page_gone', 'the connection was closed'));
  }

  private async create(params: ChatParams, given?: CallOptions): Promise<AsyncIterableIterator<ChatChunk> | ChatCompletion> {
    const { signal, ...request } = params;
    const chat = new Chat(request);
    const asked = (end: AbortSignal | undefined, more: () => void) =>
      this.ask('chat', (time) => chat.says(time === 'again'), end, (said) => (chat.heard(said), more()));
    const either = signal ?? given?.signal ?? undefined;
    if (request.stream === true) {
      return chat.chunks(asked, either);
    }
    return (await asked(either, () => undefined)) as ChatCompletion;
  }

  /** Says something and waits for its end. */
  private ask<T extends keyof Values>(type: T, says: (time: Time) => Says<T>, signal?: AbortSignal, heard?: (said: PageSays) => void): Promise<Values[T]> {
    const id = ++this.lastId;
    return new Promise<Values[T]>((resolve, reject) => {
      if (signal?.aborted) {
        return reject(aborted(signal));
      }
      const abort = (): void => this.connection.say({ type: 'abort', id });
      const end = (): void => {
        this.open.delete(id);
        signal?.removeEventListener('abort', abort);
      };
      const failed = (error: Error): void => {
        end();
        reject(error);
      };
      const say = (time: Time): void => {
        try {
          this.connection.say({ ...says(time), id } as AppSays);
        } catch (thrown) {
          failed(thrown as Error); // what cannot be cloned
        }
      };
      const listen = (said: PageSays): void => {
        if (said.type === 'done') {
          end();
          resolve(said.value as Values[T]);
        } else if (said.type === 'error') {
          failed(new EmbedError(said.error.code, said.error.message, said.error.detail));
        } else {
          heard?.(said);
        }
      };
      this.open.set(id, { type, say, heard: listen, failed });
      signal?.addEventListener('abort', abort, { once: true });
      (type === 'load' ? this.connected : this.turn).then(() => this.open.has(id) && say('first'), failed);
    });
  }

  /** The page was ended and is there again: the model first, then what was open. What only asks for a number fails. */
  private again(session: string): void {
    this.options.onRestart?.(session);
    const life = ++this.lives;
    const ended = new EmbedError('page_gone', 'the page was ended', { session });
    if (this.options.resume === false) {
      return this.fail(ended);
    }
    const open = [...this.open.values()];
    open.filter(({ type }) => type !== 'load' && type !== 'chat').forEach((one) => one.failed(ended));
    const chats = open.filter(({ type }) => type === 'chat');
    const load = open.find(({ type }) => type === 'load');
    if (load !== undefined) {
      load.say('again');
    } else if (this.wanted !== undefined) {
      const { signal: _, ...wanted } = this.wanted;
      this.load(wanted).catch(() => undefined); // told to whoever waits for it
    }
    this.turn = this.loading;
    this.loading.then(
      () => life === this.lives && chats.forEach((one) => one.say('again')),
      (error: Error) => chats.forEach((one) => one.failed(error)),
    );
  }

  /** A model as it is said; a Blob by a name under which its pieces are asked for. */
  private modelOf({ model, options, memory }: Pick<EmbedLoad, 'model' | 'options' | 'memory'>): { model: EmbedModel; options?: EmbedOptions; memory?: number } {
    const rest = { ...(options === undefined ? {} : { options }), ...(memory === undefined ? {} : { memory }) };
    if (!(model instanceof Blob)) {
      return { model, ...rest };
    }
    const known = [...this.blobs].find(([, blob]) => blob === model)?.[0];
    const name = known ?? (model instanceof File ? model.name : `model ${this.blobs.size + 1}`);
    this.blobs.set(name, model);
    if (model instanceof File) {
      return { model: { pieces: { name, size: model.size, version: `${model.lastModified}` } }, ...rest };
    }
    // Nobody would know it again: the app keeps it.
    return { model: { pieces: { name, size: model.size } }, ...rest, options: { store: 'none', ...options } };
  }

  private fail(error: Error): void {
    [...this.open.values()].forEach((one) => one.failed(error));
  }
}
