// Asks the user, once at a time, and remembers what was granted until the page ends. Whatever goes wrong is a no.

import type { ConsentAnswer, ConsentRequest, PrivacyOptions } from './types.js';

/** What is asked for; the signal is of the question itself. */
export type Question = Omit<ConsentRequest, 'signal'>;

/** What the user has granted, for this page. */
export interface Grant {
  remote: string;
  host: string;
  model: string;
  /** Only of this task; absent: of all. */
  task?: string;
  /** Only for payloads that are redacted. */
  redacted: boolean;
}

/** A question that is not answered yet. */
interface Open {
  question: Question;
  deny: () => void;
}

/** Questions, answers and grants of one page. */
export class Consents {
  private grants: Grant[] = [];
  private readonly open = new Set<Open>();
  /** One question is before the user at a time. */
  private turn: Promise<unknown> = Promise.resolve();
  private ended = false;

  constructor(private readonly onConsent?: PrivacyOptions['onConsent']) {}

  /**
   * `session` and `task` also where it was granted before. Never fails: what is no answer is `no`. `quiet`: only what was granted
   * before counts, and nobody is asked.
   */
  async ask(question: Question, { signal, quiet = false }: { signal?: AbortSignal | undefined; quiet?: boolean } = {}): Promise<ConsentAnswer> {
    if (this.ended) {
      return 'no';
    }
    const asked = copied(question);
    if (quiet) {
      const before = this.covering(asked);
      return before === undefined ? 'no' : before.task === undefined ? 'session' : 'task';
    }
    const end = new AbortController();
    const open: Open = { question: asked, deny: () => end.abort() };
    this.open.add(open);
    signal?.addEventListener('abort', open.deny, { once: true });
    if (signal?.aborted === true) {
      end.abort();
    }
    const denied = new Promise<'no'>((resolve) => {
      end.signal.addEventListener('abort', () => resolve('no'), { once: true });
    });
    const work = this.turn.then(() => (end.signal.aborted ? 'no' : Promise.race([denied, this.answer(asked, end.signal)])));
    this.turn = work;
    try {
      const answer = end.signal.aborted ? 'no' : await Promise.race([denied, work]);
      return end.signal.aborted ? 'no' : answer;
    } finally {
      this.open.delete(open);
      signal?.removeEventListener('abort', open.deny);
      end.abort(); // a dialog that still stands closes
    }
  }

  /** Something may come of asking: there is somebody to ask, or it was granted before. */
  askable(question: Pick<Question, 'remote' | 'host' | 'model' | 'task' | 'redacted'>): boolean {
    return !this.ended && (this.onConsent !== undefined || this.covering(question) !== undefined);
  }

  /** What holds. */
  granted(): Grant[] {
    return this.grants.map((grant) => ({ ...grant }));
  }

  /** Takes back what was granted, and answers what is being asked with no: of one remote, of one task, or all. */
  revoke({ remote, task }: { remote?: string; task?: string } = {}): void {
    const meant = (one: { remote: string; task?: string }) => (remote === undefined || one.remote === remote) && (task === undefined || one.task === task);
    this.grants = this.grants.filter((grant) => !meant(grant));
    [...this.open].filter(({ question }) => meant(question)).forEach(({ deny }) => deny());
  }

  /** Nothing more is sent by this engine, also what needed no consent; there is no way back. For settings that do not hold any more. */
  withdraw(): void {
    this.ended = true;
    this.revoke();
  }

  /** Whether that was said. */
  get withdrawn(): boolean {
    return this.ended;
  }

  private async answer(question: Question, signal: AbortSignal): Promise<ConsentAnswer> {
    const before = this.covering(question);
    if (before !== undefined) {
      return before.task === undefined ? 'session' : 'task';
    }
    try {
      const answer: unknown = await this.onConsent?.(Object.freeze({ ...question, signal }));
      return signal.aborted ? 'no' : this.kept(question, answer);
    } catch {
      return 'no';
    }
  }

  private kept({ remote, host, model, task, redacted }: Question, answer: unknown): ConsentAnswer {
    const grant = { remote, host, model, redacted };
    switch (answer) {
      case 'once':
        return 'once';
      case 'session':
        this.grants.push(grant);
        return 'session';
      case 'task':
        if (task === undefined) {
          return 'once'; // it has none that could come again
        }
        this.grants.push({ ...grant, task });
        return 'task';
      default:
        return 'no';
    }
  }

  /** A grant covers the same recipient, and nothing that shows more than it was given for. */
  private covering({ remote, host, model, task, redacted }: Pick<Question, 'remote' | 'host' | 'model' | 'task' | 'redacted'>): Grant | undefined {
    return this.grants.find(
      (grant) =>
        grant.remote === remote &&
        grant.host === host &&
        grant.model === model &&
        (grant.task === undefined || grant.task === task) &&
        (redacted || !grant.redacted),
    );
  }
}

/** What was asked for stays that, whatever a hook does with it. */
function copied(question: Question): Question {
  return Object.freeze({ ...question, entities: Object.freeze({ ...question.entities }) });
}
