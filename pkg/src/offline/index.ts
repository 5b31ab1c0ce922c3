// What waits for the network: fetched where an option asks for it.

export { Queue } from './queue.js';
export type { Flushed, Queued, QueueItem, QueueOptions, QueueState, Send } from './types.js';
export type { WatchOptions } from './watch.js';
