// What the dashboard shows, computed from the rows of the ledger alone (docs/budget.md): nothing is counted twice or guessed.

const DAY = 86_400_000;

/** Names of ranges, and from when on they count. Days are those of the ledger: UTC. */
export const RANGES = {
  today: { name: 'Today (UTC)', since: (now) => now - (now % DAY) },
  week: { name: 'Last 7 days', since: (now) => now - (now % DAY) - 6 * DAY },
  month: { name: 'Last 30 days', since: (now) => now - (now % DAY) - 29 * DAY },
  all: { name: 'All that is kept', since: () => 0 },
};

/** Rows by answer, as the summary counts them: attempts of one answer are one, `remote` if any attempt was made. */
export function answersOf(rows) {
  const answers = new Map();
  for (const row of rows) {
    const key = `${row.session} ${row.id}`;
    const answer = answers.get(key) ?? { id: row.id, at: row.at, source: 'local', cost: 0, reason: undefined };
    if (row.source === 'remote') answer.source = 'remote';
    answer.cost += row.cost;
    answer.reason = row.reason ?? answer.reason;
    answers.set(key, answer);
  }
  return [...answers.values()];
}

/** By day, the oldest first: `{day, local, remote, spent, elsewhere}`. Days without an answer are there, at most a year of them. */
export function days(rows) {
  const found = new Map();
  const of = (at) => {
    const day = at - (at % DAY);
    if (!found.has(day)) found.set(day, { day, local: 0, remote: 0, spent: 0, elsewhere: 0 });
    return found.get(day);
  };
  for (const { at, source } of answersOf(rows)) of(at)[source] += 1;
  for (const [at, micros] of elsewhere(rows)) of(at).elsewhere += micros;
  for (const { at, cost } of rows) of(at).spent += cost;
  const [first, last] = [Math.min(...found.keys()), Math.max(...found.keys())];
  for (let day = Math.max(first, last - 365 * DAY); day < last; day += DAY) of(day);
  return [...found.values()].sort((a, b) => a.day - b.day);
}

/** What each answer would have cost elsewhere: that of its last row which has any. */
function elsewhere(rows) {
  const last = new Map();
  for (const { session, id, at, counterfactual } of rows) {
    const key = `${session} ${id}`;
    if (counterfactual > 0 || !last.has(key)) last.set(key, [last.get(key)?.[0] ?? at, counterfactual]);
  }
  return last.values();
}

/**
 * What the bigger model would have cost less what was spent, of a summary of the ledger: `{loss, share, low, high}` where there is an
 * interval, else `{loss, micros}`, both as numbers above 0 of what `loss` says; undefined: nothing is known to compare with.
 */
export function saved({ saving, spent, counterfactual }) {
  const elsewhere = counterfactual.measured + counterfactual.estimated;
  const micros = elsewhere - spent.reported - spent.estimated;
  const loss = (saving ? saving.value : micros) < 0;
  if (saving) {
    const [low, high] = loss ? [-saving.high, -saving.low] : [saving.low, saving.high];
    return { loss, share: Math.abs(saving.value), low, high };
  }
  return elsewhere > 0 ? { loss, micros: Math.abs(micros) } : undefined;
}

/** How often each reason ended a request, the most frequent first. */
export function reasons(rows) {
  const counts = new Map();
  for (const { reason, source } of answersOf(rows)) {
    const key = reason ?? 'unknown';
    const one = counts.get(key) ?? { reason: key, local: 0, remote: 0 };
    one[source] += 1;
    counts.set(key, one);
  }
  return [...counts.values()].sort((a, b) => b.local + b.remote - (a.local + a.remote) || (a.reason < b.reason ? -1 : 1));
}

/** First words and whole answers of both sides: `{what, source, n, median, low, high, values}`; only those that were measured. */
export function latency(rows) {
  const of = (what, source, pick) => {
    const values = rows.filter((row) => row.source === source).map(pick).filter((ms) => Number.isFinite(ms)).sort((a, b) => a - b);
    return { what, source, n: values.length, median: quantile(values, 0.5), low: quantile(values, 0.1), high: quantile(values, 0.9), values };
  };
  const complete = ({ tokens }) => tokens === 'reported'; // of an attempt that broke off nobody knows when it would have ended
  return [
    of('First words', 'local', ({ first_ms }) => first_ms),
    of('First words', 'remote', ({ first_ms }) => first_ms),
    of('Whole answer', 'local', ({ local_ms }) => local_ms),
    of('Whole answer', 'remote', (row) => (complete(row) && row.output_tokens > 0 ? row.latency_ms : Number.NaN)),
  ].filter(({ n }) => n > 0);
}

/** Of sorted values, the nearest rank. */
function quantile(values, share) {
  return values[Math.max(0, Math.ceil(share * values.length) - 1)];
}

/** What holds escalation up now, by the latest answer: a reason of docs/routing.md, or undefined. */
export function standsStill(rows, standing) {
  if (standing.remaining === 0) return 'budget_exhausted';
  if (standing.requests === 0) return 'rate_limited';
  // Of what waits for a connection there are rows of attempts behind the answer's.
  const { reason } = rows.findLast(({ source, tokens, output_tokens }) => source === 'local' || (tokens === 'reported' && output_tokens > 0)) ?? {};
  return ['budget_exhausted', 'breaker_open', 'remote_failed', 'offline', 'budget_pacing', 'max_rate'].includes(reason) ? reason : undefined;
}
