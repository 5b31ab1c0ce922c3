// One life of this page: reads what the app says, has it done, and answers. Nothing that the app says makes it fail as a whole.
import { checkFromApp, EmbedError, embedWire, freshName, idOf, LIMITS, parsed, VERSIONS } from '../pkg/dist/embed/index.js';
import { capabilities } from './capabilities.js';
import { Model } from './model.js';
import { Questions } from './questions.js';

/** What is a request; the rest answers, or takes back. */
const REQUESTS = ['load', 'availability', 'chat', 'ledger', 'stored', 'stats', 'unload', 'dispose', 'ping'];

export class Session {
  constructor(way, tell) {
    this.way = way;
    this.tell = tell;
    this.name = freshName();
    this.open = new Map();
    this.questions = new Questions(this.name, (message) => this.say(message));
    this.limits = { ...LIMITS, piece: way.bytes === 'port' ? LIMITS.piece : LIMITS.piece / 4 };
    this.model = new Model(this.questions, this.limits.piece, (message) => this.say(message));
  }

  begin() {
    this.way.begin((said) => this.heard(said));
    this.say({ type: 'awake', session: this.name, versions: [...VERSIONS] });
  }

  say(message, transfer) {
    this.way.say({ kinglet: 1, ...message }, transfer);
  }

  /** Whatever arrives. */
  heard(said) {
    let id = null;
    try {
      const data = parsed(said);
      id = idOf(data);
      const message = checkFromApp(data);
      if (message.type === 'hello') {
        this.greet(message).catch((thrown) => this.say({ type: 'error', id, error: embedWire(thrown) }));
      } else if (this.host === undefined) {
        throw new EmbedError('bad_message', 'bad message: type: expected hello first', { param: 'type', expected: 'hello' });
      } else if (REQUESTS.includes(message.type)) {
        this.request(message);
      } else if (message.type === 'abort') {
        this.open.get(message.id)?.abort(); // its end and this may cross: one that is not open has ended
      } else {
        this.questions.answered(message);
      }
    } catch (thrown) {
      this.say({ type: 'error', id, error: embedWire(thrown) });
    }
  }

  async greet({ id, versions, host, patience = {} }) {
    const version = VERSIONS.find((one) => versions.includes(one));
    if (version === undefined) {
      throw new EmbedError('bad_version', `this page speaks version ${VERSIONS.join(', ')} of the protocol, the app ${versions.join(', ')}`, { versions: [...VERSIONS] });
    }
    if (this.host !== undefined && this.host !== host) {
      // Another app's side: what the one before has asked is nobody's any more.
      this.open.forEach((control) => control.abort());
      this.open.clear();
      this.questions.withdraw();
    }
    this.host = host;
    this.questions.patience = { consent: 120_000, token: 15_000, piece: 30_000, ...patience };
    this.tell('Connected.');
    const about = await capabilities(this.way.bytes);
    this.say({ type: 'ready', id, version, session: this.name, capabilities: about, limits: this.limits, info: this.model.info });
  }

  async request(message) {
    const { id, type } = message;
    const host = this.host;
    const control = new AbortController();
    const say = (more, transfer) => host === this.host && this.say({ id, ...more }, transfer);
    if (type !== 'ping' && (this.open.has(id) || this.open.size >= LIMITS.requests)) {
      const why = this.open.has(id) ? `${id} is open already` : `${LIMITS.requests} requests are open`;
      return say({ type: 'error', error: new EmbedError('too_many', `too many requests: ${why}`, { open: this.open.size }).toJSON() });
    }
    if (type !== 'ping') this.open.set(id, control);
    try {
      const value = type === 'ping' ? null : await this.model[type](message, control.signal, say);
      say({ type: 'done', value: value ?? null });
    } catch (thrown) {
      say({ type: 'error', error: embedWire(thrown) });
    } finally {
      if (this.open.get(id) === control) this.open.delete(id);
    }
  }
}
