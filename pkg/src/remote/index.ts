// Remote models: the only part of the package that sends what a user wrote. It is fetched when a remote model with an address is
// configured, and imports nothing of the engine.

export { checkEndpoints, isEndpoint, policyPart } from './options.js';
export { RemoteModel, type AskOptions, type RemoteModelOptions } from './model.js';
export { sameModel } from './same.js';
export type { Fetch } from './http.js';
export type * from './types.js';
