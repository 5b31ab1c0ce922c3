// `kinglet/route`: decisions for any engine, without kinglet's own. Importing it does nothing.

export { calibrate } from '../calibrate/index.js';
export type * from '../calibrate/types.js';
export { KingletError, type ErrorCode } from '../errors.js';
export { fromOpenAI, type AdapterOptions, type Answer } from './adapters/openai.js';
export { fromPromptAPI, promptFacts, type PromptSession } from './adapters/prompt-api.js';
export { fromWebLLM } from './adapters/web-llm.js';
export { fromWllama } from './adapters/wllama.js';
export type { Labelled, LabelledRow, Verdict } from './feedback.js';
export { createRouter } from './lazy.js';
export type { Router, RouterOptions } from './router.js';
export type * from './types.js';
