// The body of an answer: events or one JSON object, whatever its media type says that it is, as parts.

import { json, type AnswerReader, type Known } from './answer.js';
import { Failure } from './failure.js';
import { EventReader, TooLong } from './sse.js';
import type { RemotePart } from './types.js';

/** Most characters of an answer that is not a stream. */
const LONGEST = 16_777_216;

/** A body that is being received. */
export interface Body {
  /** The next bytes; rejects when they have been awaited for too long. */
  read(): Promise<ReadableStreamReadResult<Uint8Array> | undefined>;
  /** Bytes are awaited from now on. */
  expect(): void;
  /** They came. */
  rest(): void;
}

/** The text of a body, piece by piece. */
export async function* textOf(body: Body): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  for (;;) {
    body.expect();
    const { value } = (await body.read()) ?? {};
    body.rest();
    if (value === undefined) {
      return;
    }
    yield decoder.decode(value, { stream: true });
  }
}

/**
 * The parts of an answer, and `piece` before those of an event with which something of it came, shown or not.
 *
 * @throws Failure; TooLong.
 */
export async function* steps(body: Body, reader: AnswerReader): AsyncGenerator<RemotePart | 'piece', void, void> {
  const { known } = reader;
  const events = new EventReader();
  const whole: string[] = [];
  let form: 'unknown' | 'events' | 'whole' = 'unknown';
  let length = 0;
  let understood = false;
  for await (const text of textOf(body)) {
    form = form === 'unknown' ? formOf(text) : form;
    if (form === 'whole') {
      whole.push(text);
      length += text.length;
      if (length > LONGEST) {
        throw new TooLong(`an answer of more than ${LONGEST} characters`);
      }
      continue;
    }
    for (const event of events.feed(text)) {
      yield* told(known, () => reader.event(event));
      understood = true;
      if (known.ended) {
        checkComplete(known, understood);
        return;
      }
    }
  }
  if (form === 'whole') {
    yield* told(known, () => reader.whole(json(whole.join(''))));
  }
  checkComplete(known, understood);
}

/** What a body is, by its first character that is no blank; blanks alone are none, and mean nothing in a stream of events. */
function formOf(text: string): 'unknown' | 'events' | 'whole' {
  const begin = text.trimStart();
  if (begin.startsWith('<')) {
    throw new Failure('bad_answer', 'it sent a page instead of an answer');
  }
  return begin === '' ? 'unknown' : begin.startsWith('{') || begin.startsWith('[') ? 'whole' : 'events';
}

function* told(known: Known, read: () => RemotePart[]): Generator<RemotePart | 'piece'> {
  const before = known.pieces;
  const parts = careful(read);
  if (known.pieces > before || known.finish !== undefined) {
    yield 'piece';
  }
  yield* parts;
}

/** What is too deep for the stack, or strange in another way, is no answer. */
function careful(read: () => RemotePart[]): RemotePart[] {
  try {
    return read();
  } catch (thrown) {
    throw thrown instanceof Failure ? thrown : new Failure('bad_answer', 'it sent something that cannot be read');
  }
}

/** The body has ended, or said that nothing follows. */
function checkComplete(known: Known, understood: boolean): void {
  if (known.finish !== undefined) {
    return;
  }
  if (known.ended && known.pieces > 0) {
    known.finished('stop');
    return;
  }
  throw known.ended || !understood
    ? new Failure('bad_answer', 'it sent no answer')
    : new Failure('cut', 'the answer ended before it was complete', { passing: true });
}
