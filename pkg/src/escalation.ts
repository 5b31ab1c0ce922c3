// Decisions on the answers of this engine: what `createKinglet` makes of the options of docs/routing.md. All requests go through
// one door: decide, compute, review, act. What acts is in act/, fetched where a remote model can be asked; without it a decision
// for the remote model says what would be asked, and the local answer is computed and stands.

import { bindingOf, identityOf, NO_TEMPLATE, samplerOf, UNBOUND } from './binding.js';
import type { Acting } from './act/acting.js';
import { split } from './act/payload.js';
import { estimated, factsOf, fitted, isOpen, promptOf, promptTokens, purseOf, remoteBound, surroundings, tokensOf, type Batch, type Request } from './facts.js';
import type { Lasting } from './lasting.js';
import type { Purse } from './ledger/types.js';
import { kind as kindOf, object } from './check.js';
import { KingletError } from './errors.js';
import { callOf, invalid, refuseOthers, type Call } from './params.js';
import { Pending, told, type Asked } from './pending.js';
import { drawn } from './route/draw.js';
import type { Router, RouterOptions } from './route/router.js';
import type { Alarm, Binding, Facts, Note, Outcome, Profile, Trace } from './route/types.js';
import type { Payload } from './remote/types.js';
import type { CallOptions, ChatMessage, Info, Notice } from './types.js';

/** What was decided on an answer: `kinglet.decision`. */
export type AnswerDecision = Trace['decision'] & { id: string; notes: Note[] };

/** Answers that are remembered, for `explain` and for what users say of them. */
const REMEMBERED = 256;

/** A decision, with what the local answer was made with and showed, whether or not that was asked for. */
export interface Decided {
  trace: Trace;
  binding: Binding;
  answer: NonNullable<Trace['inputs']['answer']>;
  /** Somebody has said whether it was right. */
  heard?: boolean;
}

/** A request that will be decided on. */
export interface Requested {
  /** As the engine gets it. */
  asked: Request;
  pending?: Pending;
  /** As a remote model would get it. */
  payload?: Payload;
  /** Which of its messages are documents. */
  documents?: readonly number[];
  /** Tokens of the prompt, and of what was sent, where the engine can count them. */
  tokens?: (sent: Payload) => Promise<{ local: number; sent: number } | undefined>;
  /** Whose budget it is under. */
  purse?: Purse;
  /** Hears the answer that stands. */
  heard?: (text: string) => void;
  /** The answer that is here already, which stands where no other one comes of it. */
  known?: string;
}

/** Options of `escalate`. */
export interface EscalateOptions extends CallOptions {
  draft?: boolean;
}

/** What is known of a request that the engine is not told. */
export interface Beside {
  batch?: Batch | undefined;
  /** See {@link Requested.known}. */
  known?: string | undefined;
}

/** An answer that can be asked for elsewhere. */
interface Remembered {
  request: Request;
  answer?: string;
  /** It has called tools. */
  calls?: boolean;
}

/** Answers to one request. */
const MOST_ANSWERS = 128;

/** Requests that are remembered, to be asked elsewhere on the user's word. */
const REQUESTS = 32;

/** What a remote model is told that has seen a draft. */
const REFINE = 'Improve your answer: correct what is wrong in it, and add what is missing. Answer with the improved text alone.';

/** Decides on requests. */
export class Decisions {
  private readonly decided = new Map<string, Decided>();
  private readonly requests = new Map<string, Remembered>();

  private constructor(
    private readonly router: Router,
    private readonly profiles: readonly Profile[],
    private readonly audit: number,
    private readonly notice: (notice: Notice) => void,
    /** What acts on them. */
    readonly acting: Acting | undefined,
    private readonly check: Check | undefined,
    /** No answer from here will do. */
    private readonly onlyThere: boolean,
  ) {}

  /** @throws KingletError `invalid_request` that names a wrong option; `worker_failed`. */
  static async of(
    create: (options: RouterOptions) => Promise<Router>,
    options: RouterOptions,
    notice: (notice: Notice) => void,
    acting?: Acting,
    check?: Check,
  ): Promise<Decisions> {
    const router = await create({ ...options, onAlarm: ({ message, ...detail }) => notice({ code: 'drift', message, detail }) });
    const { policy } = router.config();
    const onlyThere = acting?.any === true && policy.mode === 'only-remote';
    return new Decisions(router, options.profiles ?? [], policy.escalation?.audit ?? 0, notice, acting, check, onlyThere);
  }

  /** A model was loaded: says which calibrations were made for another one. Sampler and wording are seen with each request. */
  loaded(info: Info): void {
    for (const { task, binding } of this.profiles) {
      const made = binding as Binding;
      const here = bindingOf(info, made.sampler, templateOf(made.template_hash, info));
      const calibration = this.router.config(here).profiles.find((profile) => profile.task === task)?.calibration;
      if (calibration?.kind === 'refused') {
        const { profile, field, made_with, got } = calibration;
        const message = `the calibration "${profile}" was made with another ${field}; the conservative rule decides on ${task}`;
        this.notice({ code: 'profile_mismatch', message, detail: { task, profile, field, made_with, got } });
      }
    }
  }

  /** What is known of every request beside what it says itself: of this engine, of remote models, of what may be spent. */
  async world(link: Lasting, about: Pick<Facts, 'task' | 'tier'>, batch?: Batch): Promise<Facts> {
    const purse = purseOf(about, batch);
    const here = surroundings(link);
    if (this.acting?.any !== true) {
      const { local: _, ...rest } = here; // it is waited for
      return { ...rest, ...(await this.acting?.world(purse)) };
    }
    // What the browser says of the connection is not believed where one can try.
    const { online: _, ...rest } = here;
    return { ...rest, ...(await this.acting.world(purse)) };
  }

  /** A chat or a raw completion, as the engine gets it, and the decision on its answer that is to come. */
  async request(kind: 'chat' | 'completion', link: Lasting, id: string, request: Record<string, unknown>, { batch, known }: Beside = {}): Promise<Requested> {
    answersOf(request['n']);
    const kinglet = request['kinglet'] ?? {};
    const prompt = kind === 'chat' ? undefined : promptOf(request['prompt']);
    if (typeof kinglet !== 'object' || (kind === 'completion' && prompt === undefined && !this.onlyThere)) {
      return { asked: request }; // the engine says what is wrong
    }
    if (kind === 'chat' && this.acting?.any === true) {
      this.check?.(request);
    }
    const { facts: given, ...own } = kinglet as Record<string, unknown>;
    const { local, payload, labels, documents } = kind === 'chat' ? split(request) : { local: request, payload: undefined, labels: [], documents: [] };
    if (payload === undefined && this.onlyThere) {
      const message = 'there is no answer: the mode wants a remote model, which is asked for one answer to one chat, without a grammar of its own';
      throw new KingletError('no_answer', message, { reason: 'no_remote', id });
    }
    const plain = { ...local, kinglet: own };
    if (prompt !== undefined && 'several' in prompt) {
      if (given !== undefined && given !== null) {
        throw invalid('kinglet.facts', 'one prompt beside it', prompt.several);
      }
      return { asked: plain };
    }
    const count = (messages: unknown): Promise<number> => link.call('count', { request: { ...plain, messages } });
    const sent = payload !== undefined && this.acting?.any === true;
    // A model that rests is not brought back to count what another one may answer.
    const resting = sent && !link.loaded;
    const tokens = prompt !== undefined ? await promptTokens(link, prompt.one, request['suffix']) : resting ? estimated(plain) : await tokensOf(link, plain);
    const said = factsOf(link, request, tokens, given, sent);
    const facts: Facts = { ...(await this.world(link, said, batch)), ...said };
    // What has no label has the default, unless the app has labelled the whole.
    const all = said.payload === undefined || said.payload === null ? labels : [...labels.filter((label) => Object.keys(label).length > 0), ...said.payload];
    if (all.length > 0) {
      facts.payload = all;
    }
    if (sent) {
      this.requests.set(id, { request });
      const [oldest] = this.requests.keys();
      if (oldest !== undefined && this.requests.size > REQUESTS) {
        this.requests.delete(oldest);
      }
    }
    const binding = (): Binding => bindingOf(link.info, samplerOf(request), kind === 'chat' ? undefined : NO_TEMPLATE);
    const open = sent && isOpen(request, given);
    const pending = this.begin({ id, facts, binding: () => (link.known ? binding() : UNBOUND), answers: Number(request['n'] ?? 1), open });
    if (resting && link.known && pending.needsCount) {
      const { max_tokens, prompt_tokens } = factsOf(link, request, await tokensOf(link, plain), given, sent);
      pending.know({ ...(max_tokens === undefined ? {} : { max_tokens }), ...(prompt_tokens === undefined ? {} : { prompt_tokens }) });
    }
    // What nobody else can be asked is not given up.
    const abort = own['abort'] ?? (payload === undefined ? undefined : pending.rule);
    const asked = { ...local, kinglet: { ...own, signals: true, ...(abort === undefined ? {} : { abort }) } };
    return {
      asked,
      pending,
      purse: purseOf(facts, batch),
      heard: (text) => this.answered(id, text),
      ...(payload === undefined ? {} : { payload: { ...payload, max_tokens: remoteBound(request, given) } }),
      ...(known === undefined ? {} : { known }),
      documents,
      tokens: async (sent) => (link.loaded ? { local: tokens, sent: await count(sent.messages) } : undefined),
    };
  }

  /** The request of an answer that is here, as it is asked of a remote model on the user's word. */
  refined(id: string, options: EscalateOptions & { stream?: boolean }): { call: Call; known: string | undefined } {
    const { draft, stream, signal, ...others } = object<EscalateOptions & { stream?: boolean }>('options', options);
    refuseOthers('options', others, () => 'draft, stream or signal');
    for (const [name, value] of Object.entries({ draft, stream })) {
      if (value !== undefined && typeof value !== 'boolean') {
        throw invalid(`options.${name}`, 'true or false', kindOf(value));
      }
    }
    const asked = this.requests.get(id);
    if (asked === undefined) {
      throw invalid('id', `that of one of the latest ${REQUESTS} chats`, id);
    }
    const { request, answer, calls } = asked;
    if (draft === true && (calls === true || answer === undefined || answer === '')) {
      throw invalid('options.draft', 'false, for there is no answer in words', 'true');
    }
    const { facts, ...own } = (request['kinglet'] ?? {}) as Record<string, unknown>;
    const kinglet = { ...own, facts: { ...(facts as Facts | undefined), user: 'requests_remote' } };
    // A draft may repeat what it was made of. The model here is not asked to refine.
    const shown: ChatMessage[] =
      draft === true && answer !== undefined
        ? [
            { role: 'assistant', content: answer, kinglet: { only: 'remote', ...split(request).all } },
            { role: 'user', content: REFINE, kinglet: { only: 'remote' } },
          ]
        : [];
    const messages = [...(request['messages'] as ChatMessage[]), ...shown];
    const here = this.decided.get(id)?.trace.inputs.outcome?.remote !== 'answered';
    const call = callOf({ ...request, messages, kinglet, stream: stream === true }, signal === undefined ? undefined : { signal });
    return { call, known: draft === true && here ? answer : undefined };
  }

  /** What was answered to a request that may yet be asked elsewhere. */
  private answered(id: string, text: string): void {
    const asked = this.requests.get(id);
    if (asked !== undefined) {
      asked.answer = text;
    }
  }

  /** A chat's answer has called tools. */
  called(id: string): void {
    const asked = this.requests.get(id);
    if (asked !== undefined) {
      asked.calls = true;
    }
  }

  /** Before a request is answered. */
  begin(asked: Asked): Pending {
    const { id, facts } = asked;
    const audit = facts.audit ?? drawn(id, this.audit);
    const known = audit ? { ...facts, audit } : facts;
    const all = (more: Facts): Facts => (asked.open === true ? fitted({ ...known, ...more }) : { ...known, ...more });
    return new Pending(this, (binding, more) => this.router.decide(all(more), id, binding), asked);
  }

  /** What the answer's signals make of a step; a step that is decided stays so. @internal */
  judge(step: Trace, answer: Decided['answer']): Trace {
    return step.decision.reason === null ? this.router.review(step, answer.signals, answer.ended) : step;
  }

  /** The end of a request; the trace is remembered. @internal */
  settle(judged: Trace, binding: Binding, answer: Decided['answer'], outcome: Outcome): AnswerDecision {
    const trace = this.router.settle(judged, outcome);
    this.remember(trace, binding, answer);
    return told(trace);
  }

  /** For `trace`, `explain` and what users say of it. @internal */
  remember(trace: Trace, binding: Binding, answer: Decided['answer']): void {
    const { id } = trace.inputs;
    this.decided.set(id, { trace, binding, answer });
    const [oldest] = this.decided.keys();
    if (oldest !== undefined && this.decided.size > REMEMBERED) {
      this.decided.delete(oldest);
    }
  }

  /** What is remembered of an answer. */
  of(id: string): Decided | undefined {
    return this.decided.get(id);
  }

  /** A trace's sentence. */
  explain(trace: Trace): string {
    return this.router.explain(trace);
  }

  /** Whether an answer was right; the first word on it counts for what was promised. */
  heard(decided: Decided, right: boolean): void {
    if (!decided.heard) {
      decided.heard = true;
      this.router.audit(decided.trace, right);
    }
  }

  /** See `Router.acknowledge`. */
  acknowledge(kind: Alarm['kind']): void {
    this.router.acknowledge(kind);
  }
}

/** Refuses a request that no remote model should see. @throws KingletError `invalid_request` */
export type Check = (request: Request) => void;

/** As the engine has it, which does not see every request. */
function answersOf(n: unknown): void {
  if (n !== undefined && n !== null && !(Number.isInteger(n) && Number(n) >= 1 && Number(n) <= MOST_ANSWERS)) {
    throw invalid('n', `1 to ${MOST_ANSWERS}`, typeof n === 'number' ? n : kindOf(n));
  }
}

/** What a calibration's template would be here: its own where that is of this model's template, or of none. */
function templateOf(made: string, info: Info): string {
  const [template = ''] = made.split(' ');
  const { template_hash } = identityOf(info);
  return template === NO_TEMPLATE || template === template_hash ? made : template_hash;
}
