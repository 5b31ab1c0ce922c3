// How sure the model was of an answer, from the log-probabilities of its tokens.

/** From this probability of the least sure token on the answer counts as sure; below the second, as doubtful. */
const SURE = 0.8;
const DOUBT = 0.5;

/** Mean (geometric) and lowest probability of the tokens, and a word for it; undefined without tokens. */
export function sureness(logprobs) {
  if (logprobs.length === 0) {
    return undefined;
  }
  const mean = Math.exp(logprobs.reduce((sum, logprob) => sum + logprob, 0) / logprobs.length);
  const lowest = Math.exp(Math.min(...logprobs));
  return { mean, lowest, word: lowest >= SURE ? 'sure' : lowest >= DOUBT ? 'fairly sure' : 'in doubt' };
}

/** A line for it: a bar of the lowest probability, the word, the numbers. */
export function sureLine({ mean, lowest, word }, speed) {
  const line = document.createElement('span');
  line.className = 'sure';
  line.dataset.word = word;
  const bar = document.createElement('meter');
  Object.assign(bar, { min: 0, max: 1, low: DOUBT, high: SURE, optimum: 1, value: lowest });
  bar.setAttribute('aria-label', 'Probability of the least sure token');
  const name = document.createElement('strong');
  name.textContent = word;
  line.append(bar, name, ` ${percent(mean)} on average, ${percent(lowest)} at the least sure token · ${speed}`);
  return line;
}

/** Never 100 % where it is not. */
const percent = (probability) => `${Math.floor(probability * 100)} %`;
