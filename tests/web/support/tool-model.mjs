// A model whose chat template knows tools: desk-nano's tokens, seeded weights. What it says is noise, unless a grammar
// holds it.
import { readFileSync } from 'node:fs';
import { DESK_NANO } from './desk.mjs';
import { llamaModel, tokenizerOf, withString } from './gguf.mjs';

const KEY = 'tokenizer.chat_template';
/** Tools as the templates of Hermes and Qwen have them, with desk's control tokens. */
const TEMPLATE = `{%- if tools %}<|system|>You may call:
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
To call one, say <tool_call>
{"name": <name>, "arguments": <arguments>}
</tool_call><|end|>
{%- endif %}
{%- for message in messages %}<|{{ message.role }}|>
{%- if message.content %}{{ message.content }}{% endif %}
{%- for call in message.tool_calls or [] %}
{%- if not loop.first %}{{ '\\n' }}{% endif %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>
{%- endfor %}<|end|>
{%- endfor %}
{%- if add_generation_prompt %}<|assistant|>{% endif %}`;

/** Its file, as bytes. */
export async function toolModel() {
  const { n_vocab, metadata } = tokenizerOf(readFileSync(DESK_NANO));
  const tokenizer = { n_vocab, metadata: metadata.filter((entry) => entry.toString('utf8', 8, 8 + KEY.length) !== KEY) };
  const { size, stream } = llamaModel({ n_embd: 64, n_ff: 128, n_layer: 1, n_ctx: 640, tokenizer });
  const pieces = [];
  for await (const piece of stream(0, size)) pieces.push(piece);
  return withString(Buffer.concat(pieces), KEY, TEMPLATE);
}
