// How fast the latest answers of this device were: from what is kept of them, without a word of theirs.

import { conversations, readConversation } from '../../services/conversations.js';

/** Conversations that are looked through, and answers that are shown. */
const [LOOKED, SHOWN] = [4, 5];

/** The latest, newest first: `[{prefill, decode, first, tokens, reused}]`, tokens per second and milliseconds. */
export async function latestAnswers() {
  const latest = [...conversations.value.list].sort((a, b) => b.updated - a.updated).slice(0, LOOKED);
  const read = await Promise.all(latest.map(({ id }) => readConversation(id)));
  return read
    .flatMap((one) => one?.messages ?? [])
    .filter(({ answer }) => answer?.timings)
    .sort((a, b) => b.created - a.created)
    .slice(0, SHOWN)
    .map(({ answer: { timings, usage } }) => ({
      first: timings.prefill_ms,
      prefill: timings.prefill_tokens_per_s,
      decode: timings.decode_tokens_per_s,
      tokens: usage?.completion_tokens,
      reused: timings.reused_tokens,
    }));
}
