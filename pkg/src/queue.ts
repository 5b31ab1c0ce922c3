// Whose turn it is. One request runs at a time: those of one client in the order in which they came, the clients in turn,
// so that a tab with a hundred questions does not hold up another tab's only one.

import { KingletError } from './errors.js';

/** A request that has, or waits for, its turn; `client` is whoever asked. */
export interface Turn {
  readonly client: object;
  /** Why it was ended, where that was not its client's wish. */
  overdue?: KingletError;
}

interface Waiting {
  turn: Turn;
  begin: () => void;
  cancel: (error: KingletError) => void;
}

/** The queue of one engine. */
export class Queue {
  private running: Turn | undefined;
  private waiting: Waiting[] = [];
  /** When each client's last request began: a count, not a time. */
  private readonly served = new WeakMap<object, number>();
  private count = 0;

  /** Requests wait. */
  get crowded(): boolean {
    return this.waiting.length > 0;
  }

  /** Whether it is this request's turn. */
  has(turn: Turn): boolean {
    return this.running === turn;
  }

  /** Resolves when it is this request's turn; rejects with `aborted` when it leaves before. */
  enter(turn: Turn): Promise<void> {
    if (this.running === undefined) {
      this.begin(turn);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => this.waiting.push({ turn, begin: resolve, cancel: reject }));
  }

  /** Ends a request, or its waiting; the next one begins. */
  leave(turn: Turn): void {
    const place = this.waiting.findIndex((waiting) => waiting.turn === turn);
    if (place >= 0) {
      this.waiting.splice(place, 1)[0]?.cancel(new KingletError('aborted', 'aborted by the caller'));
    } else if (this.running === turn) {
      this.running = undefined;
      const following = this.following();
      if (following !== undefined) {
        this.waiting = this.waiting.filter((waiting) => waiting !== following);
        this.begin(following.turn);
        following.begin();
      }
    }
  }

  private begin(turn: Turn): void {
    this.running = turn;
    this.served.set(turn.client, ++this.count);
  }

  /** The first request of the client that has waited longest since its last one began. */
  private following(): Waiting | undefined {
    const since = ({ turn }: Waiting) => this.served.get(turn.client) ?? 0;
    return this.waiting.reduce<Waiting | undefined>(
      (best, waiting) => (best === undefined || since(waiting) < since(best) ? waiting : best),
      undefined,
    );
  }
}
