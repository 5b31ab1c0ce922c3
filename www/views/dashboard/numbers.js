// The dashboard's numbers in words: how much stayed here, what it cost, what it would have cost.

import { html, nothing } from '../../vendor/lit-html.js';
import { money, percent } from '../../lib/format.js';
import { href } from '../../services/route.js';
import { saved } from './data.js';

const card = (id, name, value, note) => html`<div class="card number" data-number=${id}>
  <dt>${name}</dt>
  <dd><strong>${value}</strong>${note ? html`<span class="muted">${note}</span>` : nothing}</dd>
</div>`;

const signed = (share) => (share < 0 ? `−${percent(-share)}` : percent(share));
const between = ({ low, high }) => `95 % interval ${signed(low)} to ${signed(high)}`;
const FEW = 'an interval needs 20 answers';

/** `summary` of the ledger; money in `currency`. */
export function numbers(summary, currency) {
  const { requests, local, spent, counterfactual, local_rate } = summary;
  const amount = (micros) => money(micros, currency);
  const paid = spent.reported + spent.estimated;
  const elsewhere = counterfactual.measured + counterfactual.estimated;
  const result = saved(summary);
  return html`<dl class="numbers">
    ${card('answers', 'Answers', String(requests), `${local} by this device alone`)}
    ${card('local', 'Stayed on this device', requests === 0 ? '–' : percent(local / requests), local_rate ? between(local_rate) : FEW)}
    ${card('spent', 'Spent', amount(paid), spent.estimated > 0 ? `of it ${amount(spent.estimated)} is the most it can be: nobody counted` : 'as the services counted')}
    ${card('elsewhere', 'Would have cost', elsewhere === 0 ? '–' : amount(elsewhere), elsewhere === 0 ? 'no bigger model has a price yet' : 'all of it at the first bigger model; estimated')}
    ${card('saved', result?.loss ? 'Cost more than that' : 'Saved', result === undefined ? '–' : result.share === undefined ? amount(result.micros) : percent(result.share), result?.share === undefined ? FEW : between(result))}
  </dl>`;
}

/** What is left, and what stands in the way now. */
export function budgetLine(standing, currency, held) {
  const left = standing.remaining;
  const what = {
    budget_exhausted: html`<strong>The budget is used up.</strong> Every answer comes from this device until it is renewed (days begin at 00:00 UTC), or you <a href=${href('settings')}>raise it</a>.`,
    rate_limited: html`<strong>The requests per minute are used up.</strong> In a moment a bigger model can be asked again.`,
    breaker_open: html`<strong>The bigger model rests.</strong> It has failed several times; it is tried again after 30 seconds, then after longer pauses. This device answers meanwhile.`,
    remote_failed: html`<strong>The bigger model could not be used for the latest question.</strong> This device’s answer stands. If it happens again, look at its address and key in the <a href=${href('settings')}>settings</a>.`,
    offline: html`<strong>There is no connection.</strong> This device answers.`,
    budget_pacing: html`<strong>The budget is spent faster than its time goes by.</strong> What is left is kept for questions that are worth more.`,
    max_rate: html`<strong>As large a share of your questions as you allow has left already.</strong> This device answers the others.`,
  }[held];
  return html`${what ? html`<p class="hint held" data-held=${held} role="status">${what}</p>` : nothing}
    ${left === undefined ? nothing : html`<p class="left-over">${money(left, currency)} may still be spent, by the tightest bound of the <a href=${href('settings')}>budget</a>.</p>`}`;
}
