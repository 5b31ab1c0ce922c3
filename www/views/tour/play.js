// Runs the tour: six tickets, one after the other, by an engine of its own whose money and queue end with the page.

import { createKinglet } from '../../pkg/dist/index.js';
import { Observable } from '../../lib/observable.js';
import { preset } from '../../services/preset.js';
import { TICKETS } from './tickets.js';

/** Milliseconds for which a ticket is shown before the next one comes by itself. */
const SHOWN = 7000;
const SLICE = 100;
/** Milliseconds that are waited for the answer that comes later. */
const LATEST = 30_000;
/** What the queue says of a request that is not asked any more. */
const GIVEN_UP = ['queue_dropped', 'queue_expired', 'queue_full', 'queue_interrupted'];
const { demo } = preset;

/** How the engine is started: the bigger model is asked where something asks for it, of what is not labelled otherwise. */
const options = () => ({
  model: new URL(preset.url, document.baseURI).href,
  backend: 'cpu',
  threads: 1,
  remote: [{ name: 'stand-in', model: demo.model, baseURL: demo.baseURL, price: demo.price, getToken: () => demo.token, retries: 0 }],
  escalation: { handover: 'hold' },
  privacy: { consent: 'free' },
  budget: { perDay: 100_000, store: 'memory' },
  offline: { store: 'memory' },
});

const bodyOf = ({ content, schema, label }) => ({
  messages: [{ role: 'user', content, ...(label ? { kinglet: { consent: label } } : {}) }],
  temperature: 0,
  max_tokens: 60,
  ...(schema ? { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } } } : {}),
});

/** Cuts the connection to the stand-in, or restores it; the demo's server really does. */
async function network(word) {
  const { ok, status } = await fetch(demo.network, { method: 'PUT', body: word, keepalive: true }); // also while the page closes
  if (!ok) throw new Error(`the demo's server answered ${status}`);
  dispatchEvent(new Event(word === 'on' ? 'online' : 'offline'));
}

/** What it would have cost to ask the bigger model everything, and what it did cost, in micro-units. */
async function moneyOf(kinglet) {
  const { spent, counterfactual } = await kinglet.ledger.summary();
  return { spent: spent.reported, unclear: spent.estimated, would: counterfactual.measured + counterfactual.estimated };
}

/**
 * A tour that begins at once. `state`: `{phase, at, paused, network, steps, money, error}`; a step is `{alone, content, answer, later}`: what the
 * small model alone says, what stands and how that came about, and what came when there was a connection again.
 */
export function play() {
  const state = new Observable({
    phase: 'loading',
    at: -1,
    paused: false,
    connected: true,
    steps: [],
    money: { spent: 0, unclear: 0, would: 0 },
    error: undefined,
  });
  const engines = [];
  const ended = new AbortController();
  let upgraded = () => undefined;
  let asked = false; // for the next ticket
  let wake = () => undefined;

  const change = (index, fields) => state.patch({ steps: state.value.steps.map((step, i) => (i === index ? { ...step, ...fields } : step)) });

  /** Until its time is over (a pause holds that up), or somebody asks for the next one. */
  async function dwell() {
    for (let left = SHOWN; left > 0 && !asked && !ended.signal.aborted; left -= state.value.paused ? 0 : SLICE) {
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, SLICE);
      });
    }
    asked = false;
  }

  async function connect(connected) {
    await network(connected ? 'on' : 'off');
    state.patch({ connected });
  }

  async function step(kinglet, alone, ticket, index) {
    state.patch({ at: index, steps: [...state.value.steps, {}] });
    if (ticket.cut) await connect(false);
    const first = await alone.chat.completions.create({ ...bodyOf({ ...ticket, label: undefined }), signal: ended.signal });
    change(index, { alone: first.choices[0].message.content });
    const answer = await kinglet.chat.completions.create({ ...bodyOf(ticket), signal: ended.signal });
    change(index, { content: answer.choices[0].message.content, answer: { ...answer.kinglet, id: answer.id } });
    state.patch({ money: await moneyOf(kinglet) });
    if (!ticket.cut) return dwell();
    const arrived = new Promise((resolve) => (upgraded = resolve));
    await dwell();
    await connect(true);
    const late = new Promise((resolve) => setTimeout(resolve, LATEST));
    const { content, provenance, cost } = (await Promise.race([arrived, late])) ?? {};
    if (content === undefined) return; // the answer of this device stands
    // The queue asks in the user's name; why it was wanted is what the first decision says.
    const decision = { reason: answer.kinglet.decision.asked };
    change(index, { later: { content, answer: { source: 'remote', provenance, decision, cost } } });
    state.patch({ money: await moneyOf(kinglet) });
  }

  async function run() {
    const heard = ({ code, detail }) => {
      if (code === 'upgraded') upgraded(detail);
      if (GIVEN_UP.includes(code)) upgraded(undefined);
    };
    const start = async (more) => {
      const engine = await createKinglet({ ...more, signal: ended.signal });
      if (ended.signal.aborted) engine.dispose();
      else engines.push(engine);
      return engine;
    };
    const { model, backend, threads, ...rest } = options();
    await network('on');
    const [kinglet, alone] = await Promise.all([start({ model, backend, threads, ...rest, onNotice: heard }), start({ model, backend, threads })]);
    state.patch({ phase: 'running' });
    for (const [index, ticket] of TICKETS.entries()) {
      if (ended.signal.aborted) return;
      await step(kinglet, alone, ticket, index);
    }
    state.patch({ phase: 'done' });
  }

  // Who closes the page in the middle leaves nobody without a connection.
  const restore = () => void (state.value.connected || network('on').catch(() => undefined));
  addEventListener('pagehide', restore, { signal: ended.signal });

  run().catch((error) => ended.signal.aborted || state.patch({ phase: 'failed', error }));
  return {
    state,
    pause: () => state.patch({ paused: !state.value.paused }),
    next() {
      asked = true;
      wake();
    },
    end() {
      ended.abort();
      engines.forEach((engine) => engine.dispose());
      restore();
    },
  };
}
