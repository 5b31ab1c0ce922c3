// Why a file is not taken: a stable code, and a sentence for its reader.

/** What `code` may be: `aborted`, `binary`, `damaged`, `duplicate`, `empty`, `encrypted`, `no_text`, `too_large`, `too_slow`, `unreadable`. */
export class Refused extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.name = 'Refused';
    this.code = code;
  }
}

export const stopped = () => new Refused('aborted', 'stopped before it was added');
