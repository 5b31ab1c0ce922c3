// The tour of the demo: six tickets, where each was answered and why, and what that has cost.

import { sentence } from '../../escalation/reasons.js';
import { draw } from '../../lib/draw.js';
import { problem } from '../../lib/errors.js';
import { money } from '../../lib/format.js';
import { Observable } from '../../lib/observable.js';
import { href } from '../../services/route.js';
import { classMap, html, nothing } from '../../vendor/lit-html.js';
import { play } from './play.js';
import { TICKETS } from './tickets.js';

export const title = 'Tour';

const WHERE = {
  local: ['●', 'On this device'],
  remote: ['↗', 'Asked the bigger model'],
  held: ['■', 'Held back'],
  waits: ['…', 'Waits for the network'],
};

/** Which of them a step shows. */
function placeOf({ answer, later }) {
  if (later || answer.source === 'remote') return 'remote';
  if (answer.warnings?.some(({ code }) => code === 'queued')) return 'waits';
  return answer.decision?.reason === 'privacy_never' ? 'held' : 'local';
}

/** What happened to a ticket, in a sentence or two. */
function told({ answer, later }) {
  const first = sentence(answer, money);
  if (later) return `The network was back: ${sentence(later.answer, money)}`;
  return placeOf({ answer }) === 'waits' ? `${first} It will be asked again when the network is back.` : first;
}

/** What is read out when it comes. */
function news({ phase, at, steps }) {
  if (phase === 'done') return 'The tour is over.';
  const step = steps[at];
  return step?.answer ? `Ticket ${at + 1} of ${TICKETS.length}. ${told(step)}` : '';
}

function counter({ money: { spent, unclear, would }, phase }) {
  const saved = would - spent;
  return html`<dl class="counter" aria-label="Money">
    <div><dt>Spent</dt><dd id="spent" data-micros=${spent}>${money(spent)}</dd></div>
    <div><dt>Would have spent</dt><dd id="would" data-micros=${would}>${money(would)}</dd></div>
    <div><dt>Saved</dt><dd id="saved" data-micros=${saved}>${money(saved)}</dd></div>
  </dl>
  ${unclear > 0 ? html`<p class="muted" id="unclear" data-micros=${unclear}>And at most ${money(unclear)} for the request that was cut: it never arrived, but nobody here can know that, so the account keeps its worst case.</p>` : nothing}
  ${phase === 'done' ? html`<p class="muted">“Would have” is an estimate: every ticket at the bigger model's price.</p>` : nothing}`;
}

function card(ticket, index, state) {
  const step = state.steps[index];
  if (!step) return nothing;
  const place = step.answer && placeOf(step);
  const [mark, name] = WHERE[place] ?? ['', 'At work…'];
  const stands = step.later?.content ?? step.content;
  return html`<li class=${classMap({ ticket: true, now: index === state.at })} data-place=${place ?? ''} data-reason=${(step.later?.answer ?? step.answer)?.decision?.reason ?? ''} aria-current=${index === state.at ? 'step' : 'false'}>
    <h2>${index + 1}. ${ticket.title}</h2>
    <blockquote>${ticket.message}</blockquote>
    <p class="muted">${ticket.asked}${ticket.label ? html` <strong class="label">label: ${ticket.label}</strong>` : nothing}${ticket.cut ? html` <strong class="label">${state.connected ? 'network: back' : 'network: cut'}</strong>` : nothing}</p>
    ${step.alone !== undefined && step.alone !== stands ? html`<p>The small model said <code class="alone">${step.alone}</code></p>` : nothing}
    ${stands === undefined ? nothing : html`<p class="stands"><span class="where"><span aria-hidden="true">${mark}</span> ${name}</span> <code class="text">${stands}</code></p>`}
    ${step.answer ? html`<p class="why">${told(step)}</p>` : nothing}
  </li>`;
}

function controls(state, { again, pause, next }) {
  const over = state.phase === 'done' || state.phase === 'failed';
  return html`<div class="actions">
    ${over
      ? html`<button type="button" class="primary" @click=${again}>Start again</button><a class="button" href=${href('chat')}>To the chat</a>`
      : html`<button type="button" aria-pressed=${state.paused} @click=${pause}>${state.paused ? 'Continue' : 'Pause'}</button>
          <button type="button" ?disabled=${state.phase === 'loading'} @click=${next}>Next</button>
          <button type="button" @click=${again}>Start again</button>`}
  </div>`;
}

export function show(element) {
  const tour = new Observable(play());
  const state = new Observable(tour.value.state.value);
  let unsubscribe = tour.value.state.subscribe((value) => (state.value = value));
  const again = () => {
    unsubscribe();
    tour.value.end();
    tour.value = play();
    unsubscribe = tour.value.state.subscribe((value) => (state.value = value));
    state.value = tour.value.state.value;
  };
  // What is new comes into view, unless the reader has stopped the tour to read.
  let seen = '';
  const follow = state.subscribe(({ at, steps, paused }) => {
    const news = `${at} ${Object.keys(steps[at] ?? {}).length}`;
    if (paused || news === seen) return;
    seen = news;
    requestAnimationFrame(() => requestAnimationFrame(() => element.querySelector('.now')?.scrollIntoView({ block: 'nearest' })));
  });
  const end = draw(
    element,
    () => html`<h1>Six tickets in a minute</h1>
      <p class="muted">The page has a small model (<code>desk-nano</code>). Where it doubts its answer it may ask a bigger one: here <code>desk</code>, a bigger toy on your own machine, behind the relay. <strong>Prices are invented.</strong> No key, no network.</p>
      ${counter(state.value)}
      ${controls(state.value, { again, pause: () => tour.value.pause(), next: () => tour.value.next() })}
      ${state.value.phase === 'loading' ? html`<p>Loading the small model…</p>` : nothing}
      ${problem(state.value.error)}
      <ol class="tickets">${TICKETS.map((ticket, index) => card(ticket, index, state.value))}</ol>
      <p class="news" role="status">${news(state.value)}</p>`,
    [tour, state],
  );
  return () => {
    unsubscribe();
    follow();
    tour.value.end();
    end();
  };
}
