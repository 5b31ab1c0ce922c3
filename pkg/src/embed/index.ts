// `kinglet/embed`: a frame with www/embed.html in it, as an engine; and what both sides of that protocol share (docs/webview.md).

export { fromBase64, toBase64 } from './base64.js';
export { connectEmbed, type Embed } from './client.js';
export type { ConnectOptions, EmbedChat, EmbedLoad } from './options.js';
export { EmbedError, embedWire } from './error.js';
export { freshName } from './name.js';
export { APP, checkFromApp, checkFromPage, idOf, LIMITS, PAGE, parsed } from './messages.js';
export * from './types.js';
