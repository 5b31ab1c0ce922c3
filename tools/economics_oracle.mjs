// A server of OpenAI's protocol that knows the right answers, and gives them as often as it is told to: for the simulated day of
// tools/economics.mjs. It keeps its own account of the tokens that it says it has counted.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

/** Tokens of a prompt, by a stated ratio. */
const CHARS_PER_TOKEN = 4;
/** What a wrong answer is. */
const WRONG = 'I do not know.';

/** A number from 0 to 1 that a text decides. */
const drawn = (text) => createHash('sha256').update(text).digest().readUInt32BE() / 2 ** 32;
const lastOf = ({ messages }) => messages.at(-1).content;

/** Starts it. `counted()`: tokens of prompts and answers since it started. */
export async function startOracle(questions, { accuracy, outputTokens, seed }) {
  const answers = new Map(questions.map(({ messages, answer }) => [messages.at(-1).content, answer]));
  const total = { prompt: 0, predicted: 0 };
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const asked = lastOf(JSON.parse(Buffer.concat(parts).toString()));
    const input = Math.ceil(asked.length / CHARS_PER_TOKEN);
    total.prompt += input;
    total.predicted += outputTokens;
    const content = drawn(`${seed} ${asked}`) < accuracy ? answers.get(asked) : WRONG;
    const chunk = (choices, more = {}) => `data: ${JSON.stringify({ id: 'oracle', object: 'chat.completion.chunk', created: 1, model: 'oracle', choices, ...more })}\n\n`;
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(chunk([{ index: 0, delta: { role: 'assistant', content }, finish_reason: null }]));
    response.write(chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]));
    response.end(`${chunk([], { usage: { prompt_tokens: input, completion_tokens: outputTokens, total_tokens: input + outputTokens } })}data: [DONE]\n\n`);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    version: 'oracle',
    counted: async () => ({ ...total }),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
