// Numbers in words.

/** Bytes, decimal as shops and systems count them. */
export function bytes(count) {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const step = count > 0 ? Math.min(Math.floor(Math.log10(count) / 3), units.length - 1) : 0;
  const scaled = count / 1000 ** step;
  return `${step === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${units[step]}`;
}

/** Millionths of a currency, with as many digits as it takes to see that it is not nothing. */
export function money(micros, currency = 'USD') {
  const amount = micros / 1e6;
  const digits = amount !== 0 && Math.abs(amount) < 0.01 ? 6 : 2;
  return new Intl.NumberFormat('en', { style: 'currency', currency, minimumFractionDigits: digits, maximumFractionDigits: digits }).format(amount);
}

/** Milliseconds: `340 ms`, `2.1 s`, `3 min 5 s`. */
export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** A share of one; never 100 % where it is not, nor 0 %. */
export function percent(share) {
  const whole = Math.round(share * 100);
  if (share < 1 && whole === 100) return '> 99 %';
  if (share > 0 && whole === 0) return '< 1 %';
  return `${whole} %`;
}

export const when = (time) => new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' }).format(time);
