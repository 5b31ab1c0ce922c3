// Runs on a page, bundled by adapters-page.test.mjs: both adapters with the real libraries, over a model in a worker.
import { HumanMessage } from '@langchain/core/messages';
import { generateText, streamText } from 'ai';
import { createKinglet } from 'kinglet';
import { createKingletProvider } from 'kinglet/ai-sdk';
import { ChatKinglet } from 'kinglet/langchain';

/** What the engine says to `prompt`, asked directly and through each adapter, whole and streamed. */
export async function answers({ model, prompt }) {
  // Not awaited: the adapters take the promise of an engine.
  const loading = createKinglet({ model, backend: 'cpu' });
  const provider = createKingletProvider(loading);
  const chat = new ChatKinglet({ kinglet: loading, temperature: 0, maxTokens: 16 });
  const options = { model: provider(), prompt, temperature: 0, maxOutputTokens: 16 };

  const generated = await generateText(options);
  let streamed = '';
  for await (const piece of streamText(options).textStream) streamed += piece;
  const invoked = await chat.invoke([new HumanMessage(prompt)]);
  let chunks = '';
  for await (const chunk of await chat.stream(prompt)) chunks += chunk.text;

  const kinglet = await loading;
  const messages = [{ role: 'user', content: prompt }];
  const direct = await kinglet.chat.completions.create({ messages, temperature: 0, max_tokens: 16 });
  const providerOptions = { kinglet: { no_such_parameter: 1 } };
  const refused = await generateText({ ...options, maxRetries: 0, providerOptions }).then(
    () => 'answered',
    (error) => `${error.code} ${error.detail.param}`,
  );
  return {
    name: kinglet.info.model,
    direct: direct.choices[0].message.content,
    through: [generated.text, streamed, invoked.text, chunks],
    tokens: [direct.usage.completion_tokens, generated.usage.outputTokens, invoked.usage_metadata.output_tokens],
    refused,
  };
}
