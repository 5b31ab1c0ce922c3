// Decisions for any engine: what `createRouter` gives back. All of it is computed in Wasm; the session's state is kept here.

import { invalid } from '../params.js';
import type { WasmFile } from '../types.js';
import { Feedback, type Labelled, type LabelledRow, type Verdict } from './feedback.js';
import { call, Made, routeModule, type RawRouter, type RouteGlue } from './module.js';
import { text } from './text.js';
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

/**
 * A router. Loads the Wasm module for decisions with the first one.
 *
 * @example
 * const router = await createRouter({ remotes: [{ name: 'strong', price }], escalation: { target: { escalationRate: 0.1 } } });
 * const step = router.decide({ task: 'intent', prompt_tokens: 40, max_tokens: 8 });
 * const { decision } = router.settle(router.review(step, await fromWebLLM(completion)));
 *
 * @throws KingletError `invalid_request` that names an unknown option or the path of a wrong one; `worker_failed`.
 */
export async function createRouter(options: RouterOptions = {}): Promise<Router> {
  if (typeof options !== 'object' || options === null) {
    throw invalid('options', 'an object', options === null ? 'null' : typeof options);
  }
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
  const said = [text('policy', policy), text('binding', options.binding ?? UNKNOWN)] as const;
  const state = options.state === undefined ? undefined : text('state', options.state);
  const glue = await routeModule(options.wasm);
  const raw = new Made(glue, () => new glue.Router(said[0], texts, said[1]));
  return new Router(glue, raw, state ?? call(glue, () => glue.fresh()), options.onAlarm);
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
    private kept: string,
    private readonly onAlarm: ((alarm: Alarm) => void) | undefined,
  ) {
    this.raw.call(() => this.glue.check_state(kept)); // with the policy, wrong ones are refused now
  }

  /**
   * Before generation. `decision.reason` null: the small model is to answer, and {@link review} judges what it says;
   * `decision.abort` is then when it may be ended early. `id`: the caller's name for the request; no two of them share one.
   */
  decide(facts: Facts = {}, id = `${this.session}-${(this.requests += 1)}`): Trace {
    const said = text('facts', facts);
    return this.trace((raw) => raw.decide(id, said, this.kept));
  }

  /** After generation, `ended` by itself or by the rule of `decision.abort`. */
  review(step: Trace, signals: Signals, ended: Ended = 'complete'): Trace {
    const said = [text('step', step), text('answer', { signals, ended })] as const;
    return this.trace((raw) => raw.review(...said));
  }

  /** The end of a request; without an outcome the remote model was not asked. Only this changes the {@link state}. */
  settle(review: Trace, outcome: Outcome = {}): Trace {
    const said = [text('review', review), text('outcome', outcome)] as const;
    const settled = this.raw.call((raw) => raw.settle(...said, this.kept));
    const { trace, state, alarms } = JSON.parse(settled) as { trace: Trace; state: State; alarms: Alarm[] };
    this.kept = JSON.stringify(state);
    alarms.forEach((alarm) => this.onAlarm?.(alarm));
    return trace;
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

  /** What a user says of an answer, for a calibration: `{labelled, enough}`. Another word on the same one replaces the first. */
  feedback(trace: Trace, verdict: Verdict): Labelled {
    return this.said.add(trace, verdict);
  }

  /** What users said: the rows of `kinglet route calibrate`, to be written one to a line. */
  labelled(): LabelledRow[] {
    return this.said.rows();
  }

  /** What it goes by, all defaults filled in, and whether each calibration fits. */
  config(): Config {
    return JSON.parse(this.raw.call((raw) => raw.config())) as Config;
  }

  /** The session so far; {@link createRouter} goes on with it. */
  get state(): State {
    return JSON.parse(this.kept) as State;
  }

  private trace(work: (raw: RawRouter) => string): Trace {
    return JSON.parse(this.raw.call(work)) as Trace;
  }
}
