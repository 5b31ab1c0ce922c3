// The package's front door.

export { createKinglet, type ChatCompletions, type Completions, type Kinglet } from './client.js';
export { KingletError, type ErrorCode } from './errors.js';
export type * from './types.js';
