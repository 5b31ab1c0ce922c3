// What this page asks of the app: pieces of a model, consent, tokens. Each question has an end: an answer, a refusal, or no time left.
import { EmbedError, fromBase64 } from '../pkg/dist/embed/index.js';

/** Which answer belongs to which question. */
const ANSWERS = { piece: 'want', consent_answer: 'consent_request', token_answer: 'token_request' };

export class Questions {
  /** `session`: part of every id, so that an answer to a page that was ended is none to this one. */
  constructor(session, say) {
    this.session = session;
    this.say = say;
    this.open = new Map();
    this.last = 0;
    this.patience = {};
  }

  /** Asks; resolves to the app's answer. `ms`: how long it may take. */
  ask(question, ms, signal) {
    const id = `${this.session}-${++this.last}`;
    return new Promise((resolve, reject) => {
      const end = (how, what) => {
        if (!this.open.delete(id)) return;
        clearTimeout(timer);
        signal?.removeEventListener('abort', aborted);
        how(what);
      };
      const withdraw = (error) => {
        if (this.open.has(id)) this.say({ type: 'withdrawn', id });
        end(reject, error);
      };
      const aborted = () => withdraw(signal.reason);
      const timer = setTimeout(() => withdraw(new EmbedError('host_silent', `the app did not answer a ${question.type} within ${ms} ms`, { ms })), ms);
      this.open.set(id, { question, withdraw, resolve: (answer) => end(resolve, answer), reject: (error) => end(reject, error) });
      if (signal?.aborted) return aborted();
      signal?.addEventListener('abort', aborted, { once: true });
      this.say({ ...question, id });
    });
  }

  /** An answer has come. One that nobody waits for is a late one, or one that was never asked for. */
  answered(message) {
    const asked = this.open.get(message.id);
    if (message.type === 'refuse') {
      return asked?.reject(new EmbedError('host_silent', `the app refused: ${message.message}`));
    }
    if (asked === undefined || asked.question.type !== ANSWERS[message.type]) {
      if (message.type !== 'piece') return;
      throw new EmbedError('bad_piece', 'bad piece: nobody has asked for it, or it came before', { at: message.at });
    }
    if (message.type !== 'piece') return asked.resolve(message);
    try {
      asked.resolve(bytesOf(message, asked.question));
    } catch (thrown) {
      asked.reject(thrown);
    }
  }

  /** Nobody is there to answer. */
  withdraw() {
    const gone = new EmbedError('host_silent', 'the app that was asked has gone');
    [...this.open.values()].forEach(({ withdraw }) => withdraw(gone));
  }
}

/** Exactly what was asked for, or an error. */
function bytesOf({ at, data }, question) {
  if (at !== question.at) {
    throw new EmbedError('bad_piece', `bad piece: expected the one at ${question.at}, got the one at ${at}`, { expected: question.at, got: at });
  }
  const bytes = typeof data === 'string' ? fromBase64(data) : new Uint8Array(data);
  if (bytes.length !== question.length) {
    throw new EmbedError('bad_piece', `bad piece: expected ${question.length} bytes, got ${bytes.length}`, { expected: question.length, got: bytes.length });
  }
  return bytes;
}
