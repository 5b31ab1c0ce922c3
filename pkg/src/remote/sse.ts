// Server-sent events by the rules of WHATWG's HTML, 9.2.6, out of bytes however they are cut: the parser is npm's
// `eventsource-parser`, around which three of its habits are mended.

import { createParser } from '../vendor/eventsource-parser.js';

/** An event. */
export interface StreamEvent {
  /** Empty where the stream names none. */
  name: string;
  data: string;
}

/** Characters that one line, or the data of one event, may have: no piece of an answer is near it. */
const LONGEST = 4_194_304;

/** A line, or an event, is longer than anything that is an answer. */
export class TooLong extends Error {}

/** Reads events. What is left when the stream ends without an empty line is no event. */
export class EventReader {
  private readonly found: StreamEvent[] = [];
  private readonly parser: { feed(text: string): void };
  private afterReturn = false;
  private overflowed = false;

  constructor(private readonly longest = LONGEST) {
    this.parser = createParser({
      onEvent: ({ event, data }) => this.found.push({ name: event ?? '', data }),
      onError: ({ type }) => (this.overflowed ||= type === 'max-buffer-size-exceeded'),
      maxBufferSize: longest,
    });
    // It takes the characters U+00EF U+00BB U+00BF at the beginning for a byte order mark, which they are only as bytes. It
    // looks for them in the first piece alone. The mark itself is gone by then: TextDecoder takes one away.
    this.parser.feed('');
  }

  /**
   * The events that end with the next piece of the text.
   *
   * @throws TooLong
   */
  feed(text: string): StreamEvent[] {
    this.parser.feed(this.lines(text));
    if (this.overflowed) {
      throw new TooLong(`an event of more than ${this.longest} characters`);
    }
    return this.found.splice(0);
  }

  /**
   * The text with LF for every end of a line. The parser knows CR, too, but holds it back until the next piece, so that the last
   * event of a stream would be lost, and looks through the rest of a piece once for each line when there is one.
   */
  private lines(text: string): string {
    if (text === '') {
      return text;
    }
    const own = this.afterReturn && text.startsWith('\n') ? text.slice(1) : text;
    this.afterReturn = text.endsWith('\r');
    return own.includes('\r') ? own.replace(/\r\n?/g, '\n') : own;
  }
}
