// The conversation.

import { html } from '../../vendor/lit-html.js';
import { draw } from '../../lib/draw.js';
import { Observable } from '../../lib/observable.js';
import { engine } from '../../services/engine.js';
import { samplingSettings } from '../../services/settings.js';
import { visible } from '../../pkg/dist/index.js';

export const title = 'Chat';

const messages = new Observable([]);

async function send(event) {
  event.preventDefault();
  const field = event.target.elements.prompt;
  const content = field.value.trim();
  const { kinglet } = engine.value;
  if (!content || !kinglet) return;
  field.value = '';
  messages.value = [...messages.value, { role: 'user', content }];
  const { temperature, maxTokens } = samplingSettings.value;
  const asked = messages.value;
  const stream = await kinglet.chat.completions.create({ messages: asked, stream: true, temperature, max_tokens: maxTokens });
  for await (const text of visible(stream)) messages.value = [...asked, { role: 'assistant', content: text }];
}

export function show(element) {
  return draw(
    element,
    () => html`<h1>Chat</h1>
      <ol>${messages.value.map(({ role, content }) => html`<li class=${role}>${content}</li>`)}</ol>
      <form @submit=${send}><textarea name="prompt" aria-label="Message"></textarea><button>Send</button></form>`,
    [messages, engine],
  );
}
