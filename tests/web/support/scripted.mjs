// A client whose answers are written down: for what the adapters make of tool calls, JSON and failures, whatever a model
// would say. Its shapes are those of the package; `openai-types.test.mjs` holds the two against each other.

const USAGE = { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12, prompt_tokens_details: { cached_tokens: 3 } };
const TIMINGS = { timings: { prefill_ms: 1, decode_ms: 2, reused_tokens: 3 } };

/** A tool call as a whole answer has it. */
export const call = (id, name, args) => ({ id, type: 'function', function: { name, arguments: JSON.stringify(args) } });

/**
 * `turns`: for each request `{content?, tool_calls?, finish_reason?, logprobs?}`, or an error to throw. Returns the client;
 * `client.requests` has what was asked, `client.ended` how many streams were left or read to their end.
 */
export function scripted(turns, { model = 'scripted', embeddings } = {}) {
  const left = [...turns];
  const requests = [];
  const client = { info: { model }, requests, ended: 0, pulled: 0 };
  client.chat = {
    completions: {
      create: async ({ signal, ...request }) => {
        requests.push(structuredClone(request));
        const turn = left.shift();
        if (turn instanceof Error && !request.stream) throw turn;
        const head = { id: `chatcmpl-${requests.length}`, created: 1_700_000_000, model };
        return request.stream ? stream(client, head, turn, signal) : whole(head, turn);
      },
    },
  };
  client.embeddings = {
    create: async ({ signal, ...request }) => {
      requests.push(structuredClone(request));
      return embeddings(request);
    },
  };
  return client;
}

function reason(turn) {
  return turn.finish_reason ?? (turn.tool_calls ? 'tool_calls' : 'stop');
}

function whole(head, turn) {
  const { content = null, tool_calls, logprobs = null } = turn;
  const message = { role: 'assistant', content, ...(tool_calls ? { tool_calls } : {}) };
  return {
    ...head,
    object: 'chat.completion',
    choices: [{ index: 0, message, finish_reason: reason(turn), logprobs }],
    usage: USAGE,
    kinglet: TIMINGS,
  };
}

async function* stream(client, head, turn, signal) {
  const chunk = (delta, finish_reason = null) => {
    client.pulled += 1;
    return { ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason, logprobs: null }] };
  };
  try {
    yield chunk({ role: 'assistant' });
    if (turn instanceof Error) throw turn;
    for (const piece of turn.content?.match(/.{1,3}/gsu) ?? []) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (signal?.aborted) throw turn.aborted;
      yield chunk({ content: piece });
    }
    for (const [index, { id, function: called }] of (turn.tool_calls ?? []).entries()) {
      yield chunk({ tool_calls: [{ index, id, type: 'function', function: { name: called.name, arguments: '' } }] });
      for (const piece of called.arguments.match(/.{1,4}/gsu) ?? []) {
        yield chunk({ tool_calls: [{ index, function: { arguments: piece } }] });
      }
    }
    yield chunk({}, reason(turn));
    yield { ...head, object: 'chat.completion.chunk', choices: [], usage: USAGE, kinglet: TIMINGS };
  } finally {
    client.ended += 1;
  }
}
