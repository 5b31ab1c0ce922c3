// Where this thread is, and what it hears of its own death.

/** The kinds of places that matter. */
type Scope = 'Window' | 'DedicatedWorkerGlobalScope' | 'SharedWorkerGlobalScope' | 'ServiceWorkerGlobalScope';

/** This thread's global object is of that kind; none of them in Node. */
export function scopeIs(name: Scope): boolean {
  const { [name]: kind, Bun: bun } = globalThis as Record<string, unknown>;
  if (name === 'DedicatedWorkerGlobalScope' && (bun as { isMainThread?: boolean } | undefined)?.isMainThread === false) {
    return true; // Bun's workers have no class of their own
  }
  return typeof kind === 'function' && globalThis instanceof kind;
}

/** A panic unwinds into no promise: it only shows as an uncaught error. Whoever waits must hear of it. */
export function onDeath(died: (message: string) => void): void {
  addEventListener('error', (event: ErrorEvent) => died(event.message));
  addEventListener('unhandledrejection', (event: PromiseRejectionEvent) => died(String(event.reason)));
}
