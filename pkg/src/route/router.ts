// Decisions for any engine: what `createRouter` gives back. All of it is computed in Wasm; the session's state is kept here.

import { invalid } from '../params.js';
import type { WasmFile } from '../types.js';
import { Feedback, type Labelled, type LabelledRow, type Verdict } from './feedback.js';
import { call, Made, type RawRouter, type RouteGlue } from './module.js';
import { reading, text } from './text.js';
import type { Alarm, Binding, Config, Ended, Facts, Outcome, Policy, Profile, Signals, State, Trace } from './types.js';

/** Options of {@link createRouter}: a policy, and what it is applied to. */
export interface RouterOptions extends Policy {
  /** Calibrations, one for each task. */
  profiles?: readonly Profile[];
  /** What is there, which calibrations must have been made with; without it every one is refused. */
  binding?: Binding;
  /** A session that goes on: what {@link Router.state} was. */
  state?: State;
  /** Called when traffic is no longer like the calibration set. */
  onAlarm?: (alarm: Alarm) => void;
  /** The module's Wasm, where a host must serve it itself: an address, bytes or a module. */
  wasm?: WasmFile;
}

const POLICY: readonly (keyof Policy)[] = ['mode', 'remotes', 'escalation', 'tasks', 'privacy'];
const OTHERS: readonly (keyof RouterOptions)[] = ['profiles', 'binding', 'state', 'onAlarm', 'wasm'];
/** What nothing was made with. */
const UNKNOWN: Binding = { model_hash: '', quantization: '', tokenizer_hash: '', template_hash: '', sampler: '', signal_version: 0 };

/** A router; `module`: how the Wasm module is had. */
export async function openRouter(module: (file?: WasmFile) => Promise<RouteGlue>, given: RouterOptions = {}): Promise<Router> {
  if (typeof given !== 'object' || given === null) {
    throw invalid('options', 'an object', given === null ? 'null' : typeof given);
  }
  const options: RouterOptions = reading('options', 'an object', () => ({ ...given })); // one look at each
  const policy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if ((POLICY as readonly string[]).includes(name)) {
      policy[name] = value;
    } else if (!(OTHERS as readonly string[]).includes(name)) {
      throw invalid(name, 'an option that kinglet/route knows', 'an unknown one');
    }
  }
  if (options.onAlarm !== undefined && typeof options.onAlarm !== 'function') {
    throw invalid('onAlarm', 'a function', typeof options.onAlarm);
  }
  const profiles = options.profiles ?? [];
  if (!Array.isArray(profiles)) {
    throw invalid('profiles', 'a list', typeof profiles);
  }
  const texts = profiles.map((profile, i) => text(`profiles[${i}]`, profile));
  const binding = options.binding ?? UNKNOWN;
  const said = [text('policy', policy), text('binding', binding)] as const;
  const state = options.state === undefined ? undefined : text('state', options.state);
  const glue = await module(options.wasm);
  const raw = new Made(glue, () => new glue.Router(said[0], texts, said[1]));
  return new Router(glue, raw, binding, state ?? call(glue, () => glue.fresh()), options.onAlarm);
}

/** Decides, request by request: {@link decide} before generation, {@link review} after it, {@link settle} at the end. */
export class Router {
  /** Names of two sessions' requests differ, for their rows may come into one file. */
  private readonly session = Array.from(crypto.getRandomValues(new Uint32Array(2)), (part) => part.toString(36)).join('');
  private requests = 0;
  private readonly said = new Feedback();

  /** @internal */
  constructor(
    private readonly glue: RouteGlue,
    private readonly raw: Made<RawRouter>,
    private readonly binding: Binding,
    private kept: string,
    private readonly onAlarm: ((alarm: Alarm) => void) | undefined,
  ) {
    this.raw.call(() => this.glue.check_state(kept)); // with the policy, wrong ones are refused now
  }

  /**
   * Before generation. `decision.reason` null: the small model is to answer, and {@link review} judges what it says;
   * `decision.abort` is then when it may be ended early. `id`: the caller's name for the request; no two of them share one.
   * `binding`: where this request is answered with another sampler or template (or model) than the router's, what differs.
   */
  decide(facts: Facts = {}, id = `${this.session}-${(this.requests += 1)}`, binding?: Partial<Binding>): Trace {
    if (typeof id !== 'string') {
      throw invalid('id', 'a string', typeof id);
    }
    const said = text('facts', facts);
    const own = this.bound(binding);
    return this.trace((raw) => raw.decide(id, said, this.kept, own));
  }

  /** After generation, `ended` by itself or by the rule of `decision.abort`. */
  review(step: Trace, signals: Signals, ended: Ended = 'complete'): Trace {
    const said = [text('step', step), text('answer', { signals, ended })] as const;
    return this.trace((raw) => raw.review(...said));
  }

  /** The end of a request; without an outcome the remote model was not asked. Only this changes the {@link state}. */
  settle(review: Trace, outcome: Outcome = {}): Trace {
    const said = [text('review', review), text('outcome', outcome)] as const;
    return this.changed<{ trace: Trace }>((raw) => raw.settle(...said, this.kept)).trace;
  }

  /** Computes a trace from its inputs again; `identical`: bit by bit what it was. */
  replay(trace: Trace): { identical: boolean; trace: Trace } {
    const said = text('trace', trace);
    return JSON.parse(this.raw.call((raw) => raw.replay(said))) as { identical: boolean; trace: Trace };
  }

  /** One sentence: why it ended where it did. */
  explain(trace: Trace): string {
    const said = text('trace', trace);
    return call(this.glue, () => this.glue.explain(said));
  }

  /**
   * What a user says of an answer, for a calibration: `{labelled, enough}`. Another word on the same one replaces the first. The
   * first word on an answer that was drawn to be checked is what the risk that was promised is held against.
   */
  feedback(trace: Trace, verdict: Verdict): Labelled {
    const first = reading('trace', 'what settle gave', () => !this.said.knows(trace));
    const labelled = reading('trace', 'what settle gave', () => this.said.add(trace, verdict));
    if (first && trace.decision?.asked === 'audit_sample') {
      this.audit(trace, verdict.ok);
    }
    return labelled;
  }

  /**
   * Whether the answer of a settled trace was right: of one that was drawn to be checked, what the promised risk is held against.
   * {@link feedback} says so by itself; whoever says it twice of one answer counts it twice.
   */
  audit(trace: Trace, right: boolean): void {
    const said = text('trace', trace);
    if (typeof right !== 'boolean') {
      throw invalid('right', 'true or false', typeof right);
    }
    this.changed((raw) => raw.audit(said, right, this.kept));
  }

  /** Alarms of this kind were seen to: what they had suspended or tightened is as before, and they may come again. */
  acknowledge(kind: Alarm['kind']): void {
    const said = text('kind', kind);
    this.kept = call(this.glue, () => this.glue.acknowledge(said, this.kept));
  }

  /** What users said: the rows of `kinglet route calibrate`, to be written one to a line. */
  labelled(): LabelledRow[] {
    return this.said.rows();
  }

  /** What it goes by, all defaults filled in, and whether each calibration fits; `binding` as in {@link decide}. */
  config(binding?: Partial<Binding>): Config {
    const own = this.bound(binding);
    return JSON.parse(this.raw.call((raw) => raw.config(own))) as Config;
  }

  /** The session so far; {@link createRouter} goes on with it. */
  get state(): State {
    return JSON.parse(this.kept) as State;
  }

  /** What `work` gives, and what it made of the session. */
  private changed<T>(work: (raw: RawRouter) => string): T {
    const { state, alarms, ...rest } = JSON.parse(this.raw.call(work)) as { state: State; alarms: Alarm[] };
    this.kept = JSON.stringify(state);
    alarms.forEach((alarm) => this.tell(alarm));
    return rest as T;
  }

  /** What the app stumbles over when it hears of an alarm is its own: the session has moved on, and the caller gets its trace. */
  private tell(alarm: Alarm): void {
    try {
      this.onAlarm?.(alarm);
    } catch (thrown) {
      (globalThis.reportError ?? console.error)(thrown);
    }
  }

  /** The router's binding, but for what differs. */
  private bound(binding: Partial<Binding> | undefined): string | undefined {
    return binding === undefined ? undefined : text('binding', reading('binding', 'an object', () => ({ ...this.binding, ...binding })));
  }

  private trace(work: (raw: RawRouter) => string): Trace {
    return JSON.parse(this.raw.call(work)) as Trace;
  }
}
