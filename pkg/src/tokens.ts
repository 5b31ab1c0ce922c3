// Arguments of the calls about tokens, checked.

import { invalid, refuseOthers } from './params.js';
import type { Calls } from './protocol.js';

/** How a text is read. */
export interface TokenizeOptions {
  /** `'parse'`: the texts of control tokens become those tokens. Default `'text'`. */
  special?: 'parse' | 'text';
}

/** @throws KingletError `invalid_request` that names what is wrong. */
export function tokenizeArguments(text: string, options: TokenizeOptions): Calls['tokenize'][0] {
  if (typeof text !== 'string') {
    throw invalid('text', 'a string', text === null ? 'null' : typeof text);
  }
  const { special = 'text', ...others } = options;
  refuseOthers('options', others, () => 'only special');
  if (special !== 'parse' && special !== 'text') {
    throw invalid('special', '"parse" or "text"', special);
  }
  return { text, special };
}

/** @throws KingletError `invalid_request` that names the first that is no token id. */
export function tokenIds(ids: readonly number[]): number[] {
  if (!Array.isArray(ids) && !ArrayBuffer.isView(ids)) {
    throw invalid('ids', 'a list of token ids', ids === null ? 'null' : typeof ids);
  }
  const list = Array.from<unknown>(ids);
  const wrong = list.findIndex((id) => !Number.isInteger(id) || (id as number) < 0 || (id as number) > 0xffff_ffff);
  if (wrong >= 0) {
    throw invalid(`ids[${wrong}]`, 'a token id, a whole number from 0', list[wrong]);
  }
  return list as number[];
}
