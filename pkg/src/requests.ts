// Counts what this thread asks of the network, so that a page can show that answering asks for nothing.

/** Counts the requests of the thread that makes it, from `begin` on. */
export class RequestCount {
  private since = Infinity;
  private count = 0;
  private readonly observer = new PerformanceObserver((list) => this.add(list.getEntries()));

  constructor() {
    this.observer.observe({ type: 'resource' });
  }

  /** Requests that start from now on count. */
  begin(): void {
    this.since = performance.now();
  }

  /** How many of them have ended: the browser lists a request when it is over. */
  get now(): number {
    this.add(this.observer.takeRecords());
    return this.count;
  }

  private add(entries: PerformanceEntryList): void {
    this.count += entries.filter((entry) => entry.startTime >= this.since).length;
  }
}
