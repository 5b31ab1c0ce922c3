// How sure the model was of an answer, from the log-probabilities of its tokens.

/** From this probability of the least sure token on the answer counts as sure; below the second, as doubtful. */
export const SURE = 0.8;
export const DOUBT = 0.5;

/** Mean (geometric) and lowest probability of the tokens, and a word for it; undefined without tokens. */
export function sureness(logprobs) {
  if (logprobs.length === 0) {
    return undefined;
  }
  const mean = Math.exp(logprobs.reduce((sum, logprob) => sum + logprob, 0) / logprobs.length);
  const lowest = Math.exp(logprobs.reduce((least, logprob) => Math.min(least, logprob), 0));
  return { mean, lowest, word: lowest >= SURE ? 'sure' : lowest >= DOUBT ? 'fairly sure' : 'in doubt' };
}

/** Never 100 % where it is not. */
export const inPercent = (probability) => `${Math.floor(probability * 100)} %`;
