// What is used of eventsource-parser (MIT), whose script `cargo xtask pkg` puts beside the others: a page without a bundler has
// it, too.

/** An event of a stream: the last `event:` field before it, and its `data:` lines. */
export interface EventSourceMessage {
  event?: string | undefined;
  data: string;
}

export interface ParserConfig {
  onEvent?: (event: EventSourceMessage) => void;
  /** Also called for fields that are not known; `type` tells. */
  onError?: (error: { type: string }) => void;
  /** Characters of one line, or of the data of one event, that are kept at most. */
  maxBufferSize?: number;
}

/** Throws from `feed` when it was fed after it had overflowed. */
export function createParser(config: ParserConfig): { feed(text: string): void };
