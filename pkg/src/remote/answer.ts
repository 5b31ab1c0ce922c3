// What both protocols share: what is known of an answer while it comes, and careful looks at JSON that anybody may have written.

import { Failure } from './failure.js';
import type { StreamEvent } from './sse.js';
import type { Payload, RemoteEndpoint, RemoteFinish, RemotePart, RemoteUsage } from './types.js';

/** A protocol: how a request is written, and who reads its answer. */
export interface Protocol {
  /** Behind the base address. */
  path: string;
  /** Headers of its own. */
  headers: readonly (readonly [string, string])[];
  body(endpoint: RemoteEndpoint, payload: Payload): Fields;
  reader(): AnswerReader;
}

/** Reads one answer. Both throw {@link Failure}. */
export interface AnswerReader {
  readonly known: Known;
  /** Heads, texts and calls out of one event; usage and finish are {@link known}. */
  event(event: StreamEvent): RemotePart[];
  /** The same out of an answer that came as a whole. */
  whole(body: Fields): RemotePart[];
}

export type Fields = Record<string, unknown>;

/** Most tokens that a count may name. */
const MOST_TOKENS = 1e9;
/** Most characters of texts and calls, to each of which so many are added; no model writes that much. */
const LONGEST = 16_777_216;
const PART = 16;
/** Most characters of a name that a service gives itself or its answer. */
const NAME = 200;

/** What is known of an answer so far. */
export class Known {
  /** Why it ended, as soon as that was said. */
  finish: RemoteFinish | undefined;
  /** The service has said that nothing follows. */
  ended = false;
  /** Something of the answer came, shown or not: thoughts count. */
  pieces = 0;
  /** Something was shown. */
  visible = false;
  calls = 0;
  private headed = false;
  private length = 0;
  /** Pieces when the output was last counted. */
  private counted = 0;
  private readonly counts: { input?: number; output?: number; cached?: number } = {};

  /** Cumulative: the latest holds. Zero is no count where there was one before: it is what services say that do not count. */
  count(name: 'input' | 'output' | 'cached', value: unknown): void {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_TOKENS && (value > 0 || this.counts[name] === undefined)) {
      this.counts[name] = value;
      this.counted = name === 'output' ? this.pieces : this.counted;
    }
  }

  /**
   * What was counted: nothing where that cannot be all of it. No prompt has zero tokens, and no text; a count that came before
   * the last piece is of less than there is, unless it is of as many tokens as there are pieces.
   */
  get usage(): RemoteUsage | undefined {
    const { input, output, cached } = this.counts;
    const early = this.counted < this.pieces && (output ?? 0) < this.pieces;
    if (input === undefined || input === 0 || output === undefined || (output === 0 && this.visible) || early) {
      return undefined;
    }
    return { input, output, ...(cached === undefined ? {} : { cached: Math.min(cached, input) }) };
  }

  /** What the service says of itself, once. */
  head(id: unknown, model: unknown): RemotePart[] {
    const [short, name] = [word(id)?.slice(0, NAME), word(model)?.slice(0, NAME)];
    if (this.headed || (short ?? name) === undefined) {
      return [];
    }
    this.headed = true;
    return [{ type: 'head', ...(short === undefined ? {} : { id: short }), ...(name === undefined ? {} : { model: name }) }];
  }

  text(text: unknown): RemotePart[] {
    return typeof text === 'string' && text !== '' ? this.shown({ type: 'text', text }, text) : [];
  }

  call(part: Omit<RemotePart & { type: 'call' }, 'type'>): RemotePart[] {
    this.calls = Math.max(this.calls, part.index + 1);
    return this.shown({ type: 'call', ...part }, part.arguments);
  }

  private shown(part: RemotePart, text: string): RemotePart[] {
    this.pieces += 1;
    this.visible = true;
    this.length += text.length + PART;
    if (this.length > LONGEST) {
      throw new Failure('bad_answer', `it sent an answer of more than ${LONGEST} characters`);
    }
    return [part];
  }

  /** Some services say `stop` where they have called a tool. */
  finished(reason: RemoteFinish): void {
    this.finish = reason === 'stop' && this.calls > 0 ? 'tool_calls' : reason;
  }
}

/** The value where it is an object. */
export function fields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** The values of a list that are objects. */
export function objects(value: unknown): Fields[] {
  return Array.isArray(value) ? value.map(fields).filter((one) => one !== undefined) : [];
}

/** The value where it is a text that says something. */
export function word(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** An event's data as JSON. @throws Failure `bad_answer` */
export function json(data: string): Fields {
  try {
    const value: unknown = JSON.parse(data);
    const found = fields(Array.isArray(value) ? value[0] : value); // Gemini's errors come in a list
    if (found !== undefined) {
      return found;
    }
  } catch {
    // the same
  }
  throw new Failure('bad_answer', 'it sent something that is no JSON object');
}
