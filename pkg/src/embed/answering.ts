// What the page asks of the app: pieces of a model, the user's consent, a token.

import type { ConnectOptions } from './options.js';
import type { AppSays, PageSays } from './types.js';

type Say = (said: AppSays, transfer?: Transferable[]) => void;

/** Answers the page's questions; what it takes back is ended. */
export function answering(options: Pick<ConnectOptions, 'onConsent' | 'getToken'>, blobs: ReadonlyMap<string, Blob>): (said: PageSays, say: Say) => void {
  const asked = new Map<string, AbortController>();
  /** The answer of a question, or a refusal without the words of what was thrown: they may have what they should not. */
  const answered = async (id: string, what: string, say: Say, answer: (signal: AbortSignal) => Promise<AppSays | undefined>): Promise<void> => {
    const control = new AbortController();
    asked.set(id, control);
    const said = await answer(control.signal).catch(() => undefined);
    if (asked.delete(id)) {
      say(said ?? { type: 'refuse', id, message: `the app gave no ${what}` }, said?.type === 'piece' ? [said.data as ArrayBuffer] : []);
    }
  };
  return (said, say) => {
    if (said.type === 'want') {
      const { id, name, at, length } = said;
      void answered(id, 'piece', say, async () => {
        const data = await blobs.get(name)?.slice(at, at + length).arrayBuffer();
        return data && { type: 'piece', id, at, data };
      });
    } else if (said.type === 'consent_request') {
      const { id, request } = said;
      void answered(id, 'answer', say, async (signal) => ({ type: 'consent_answer', id, answer: (await options.onConsent?.({ ...request, signal })) ?? 'no' }));
    } else if (said.type === 'token_request') {
      const { id, remote } = said;
      void answered(id, 'token', say, async (signal) => {
        const token = await options.getToken?.({ remote, signal });
        return token === undefined ? undefined : { type: 'token_answer', id, token };
      });
    } else if (said.type === 'withdrawn') {
      asked.get(said.id)?.abort();
      asked.delete(said.id);
    }
  };
}
