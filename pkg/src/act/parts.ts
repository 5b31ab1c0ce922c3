// The steps of a hand-over: which text is shown, and what becomes of it. The `choices` of a stream only get what stands: whoever
// adds up their texts has the answer, and never has to take anything back.

import type { HandoverPart } from '../answers.js';
import type { Shown } from '../shape.js';
import type { TokenLogprob, ToolCallDelta } from '../types.js';

/** How a hand-over is shown: `hold`, when the answer stands; `replace`, as it comes, to be replaced where another one is better. */
export type Handover = 'hold' | 'replace';

/** More of a text. */
export interface More {
  text: string;
  tool_calls?: ToolCallDelta[];
  logprobs?: { content: TokenLogprob[] } | null;
}

/** A text that is coming. `live`: nothing can replace it, so it stands as it comes. */
export class Segment {
  text = '';
  readonly calls: ToolCallDelta[] = [];
  private readonly logprobs: TokenLogprob[] = [];
  private begun = false;
  /** How much of it the parts have, and how many pieces have come. */
  private shown = 0;
  private pieces = 0;

  constructor(
    readonly id: number,
    readonly source: 'local' | 'remote',
    private readonly how: Handover | 'live',
    /** Pieces that are held back at its beginning. */
    private readonly probation = 0,
    private readonly remote?: string,
  ) {}

  /** Somebody has seen some of it. */
  get visible(): boolean {
    return this.begun;
  }

  /** More of it; what is to be shown now, if anything. `before`: what is shown until then. */
  add(more: More, before: Segment | undefined): Shown | undefined {
    this.text += more.text;
    this.calls.push(...(more.tool_calls ?? []));
    this.logprobs.push(...(more.logprobs?.content ?? []));
    this.pieces += 1;
    if (this.how === 'live') {
      return { ...more, finish_reason: null, parts: this.parts(before, false) };
    }
    const silent = this.how === 'hold' || this.pieces <= this.probation || this.text.length === this.shown;
    return silent ? undefined : { text: '', finish_reason: null, parts: this.parts(before, true) };
  }

  /** It stands: what `choices` get of it. */
  stands(before: Segment | undefined): Shown {
    const parts: HandoverPart[] = [...this.parts(before, false), { type: 'commit', segment: this.id }];
    if (this.how === 'live') {
      return { text: '', finish_reason: null, parts };
    }
    return {
      text: this.text,
      finish_reason: null,
      parts,
      ...(this.calls.length > 0 ? { tool_calls: [...this.calls] } : {}),
      ...(this.logprobs.length > 0 ? { logprobs: { content: [...this.logprobs] } } : {}),
    };
  }

  /** What the parts do not have yet. */
  private parts(before: Segment | undefined, provisional: boolean): HandoverPart[] {
    const parts: HandoverPart[] = [];
    if (!this.begun) {
      this.begun = true;
      parts.push({ type: 'segment', id: this.id, source: this.source, provisional, ...(this.remote === undefined ? {} : { remote: this.remote }) });
    }
    if (before !== undefined && before !== this && before.visible) {
      parts.push({ type: 'replace', from: before.id, to: this.id });
    }
    if (this.shown < this.text.length) {
      parts.push({ type: 'delta', segment: this.id, text: this.text.slice(this.shown) });
      this.shown = this.text.length;
    }
    return parts;
  }
}

/** A piece that only tells of a hand-over. */
export const telling = (...parts: HandoverPart[]): Shown => ({ text: '', finish_reason: null, parts });
