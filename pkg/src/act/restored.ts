// A remote answer with the placeholders put back, as it streams: text as it is said, and inside of JSON as JSON has it.

import { rehydrated, Rehydrator, type Vault } from '../privacy/index.js';
import type { Payload, RemotePart } from '../remote/types.js';
import type { Bill } from './sender.js';

/** The same parts. What is held back comes before the answer's end. */
export async function* restored(parts: AsyncIterable<RemotePart>, vault: Vault, { response_format }: Payload, bill: Bill): AsyncGenerator<RemotePart, void, void> {
  const inJson = response_format !== undefined && response_format !== null && response_format.type !== 'text';
  const text = new Rehydrator(vault, { json: inJson });
  const calls = new Map<number, Rehydrator>();
  let missing = 0;
  const rest = function* (): Generator<RemotePart, void, void> {
    const end = text.end();
    missing += end.missing;
    if (end.text !== '') {
      yield { type: 'text', text: end.text };
    }
    for (const [index, call] of calls) {
      const { text: left, missing: unknown } = call.end();
      missing += unknown;
      if (left !== '') {
        yield { type: 'call', index, arguments: left };
      }
    }
    calls.clear();
  };
  let ended = false;
  for await (const part of parts) {
    if (part.type === 'text') {
      const said = text.push(part.text);
      if (said !== '') {
        yield { type: 'text', text: said };
      }
    } else if (part.type === 'call') {
      const call = calls.get(part.index) ?? new Rehydrator(vault, { json: true });
      calls.set(part.index, call);
      const name = part.name === undefined ? {} : { name: rehydrated(part.name, vault).text }; // whole, and a tool may be called like one of the app's words
      yield { ...part, ...name, arguments: call.push(part.arguments) };
    } else {
      if (part.type === 'finish' && !ended) {
        ended = true;
        yield* rest();
      }
      yield part;
    }
  }
  if (!ended) {
    yield* rest();
  }
  if (missing > 0) {
    const message = `${missing} placeholder${missing === 1 ? '' : 's'} of the answer stand${missing === 1 ? 's' : ''} for nothing, or came back changed, and ${missing === 1 ? 'is' : 'are'} left as they are`;
    bill.warnings.push({ code: 'placeholders', message });
  }
}
