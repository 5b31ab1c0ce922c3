// What the packaging tests ask beside the README's own code: one greedy answer of a model whose text a reference knows.
import { createKinglet } from 'kinglet';

globalThis.check = async (options) => {
  const kinglet = await createKinglet({ cacheType: 'f32', ...options });
  const answer = await kinglet.completions.create({ prompt: 'The kinglet is small', max_tokens: 16, temperature: 0 });
  const { backend, module, threads, threads_why, isolated } = kinglet.info;
  await kinglet.dispose();
  return { text: answer.choices[0].text, backend, module, threads, threads_why, isolated };
};
