// The model of this page, and what the app may ask of it. One method for each request of the protocol.
import { availability, createKinglet, KingletError, modelStore } from '../pkg/dist/index.js';
import { EmbedError } from '../pkg/dist/embed/index.js';
import { fit } from './budget.js';
import { chat } from './chat.js';
import { optionsOf } from './options.js';
import { addressOf, piecewise } from './pieces.js';

/** How the store writes names among addresses. */
const NAMED = 'name:';

export class Model {
  /** `piece`: bytes that the app is asked for at a time. */
  constructor(questions, piece, say) {
    this.questions = questions;
    this.piece = piece;
    this.say = say;
    this.loading = false;
  }

  /** What is loaded, or null. */
  get info() {
    return this.kinglet?.ready ? this.kinglet.info : null;
  }

  async load({ model, options = {}, memory }, signal, say) {
    if (this.loading) throw new EmbedError('too_many', 'too many requests: a model is being loaded');
    this.loading = true;
    this.ending = new AbortController();
    try {
      return await this.within(model, options, AbortSignal.any([signal, this.ending.signal]), async (given) => {
        // Two models at a time are more than the app has allowed.
        this.letGo();
        // Without a bound loading itself finds out what fits, and the header is read once.
        const { found, ...size } = memory === undefined ? { found: undefined } : await fit(given, memory);
        refuse(found);
        const onProgress = (progress) => say({ type: 'progress', progress });
        const onNotice = (notice) => this.say({ type: 'notice', notice: JSON.parse(JSON.stringify(notice)) });
        this.kinglet = await createKinglet({ ...given, ...size, onProgress, onNotice });
        this.leaves = given.remote !== undefined;
        return { info: this.info, memory: { needed: found?.memory?.needed ?? null, budget: memory ?? null, cacheType: size.cacheType ?? given.cacheType ?? 'f16' } };
      });
    } finally {
      this.loading = false;
    }
  }

  async availability({ model, options = {}, memory }, signal) {
    return this.within(model, options, signal, async (given) => {
      try {
        const { found, cacheType } = await fit(given, memory);
        return { ...found, cacheType };
      } catch (thrown) {
        if (thrown.code !== 'too_large') throw thrown;
        const { needed, available } = thrown.detail;
        return { status: 'too_large', code: 'too_large', reason: thrown.message, memory: { needed, available }, model: (await availability(given)).model };
      }
    });
  }

  /** Calls `work` with the options of the package. What goes wrong with the app's pieces ends it, as it was said. */
  async within(model, options, signal, work) {
    const broken = new AbortController();
    const failed = (error) => broken.abort(error);
    try {
      const source = await this.sourceOf(model, failed);
      return await work({ ...optionsOf(options, this.questions), ...source, signal: AbortSignal.any([signal, broken.signal]) });
    } catch (thrown) {
      throw broken.signal.aborted && !signal.aborted ? broken.signal.reason : thrown;
    }
  }

  async sourceOf(model, failed) {
    if (model.pieces !== undefined) {
      const { name, sha256, version } = model.pieces;
      return {
        model: { url: addressOf(name), name: version === undefined ? name : `${name}@${version}`, ...(sha256 === undefined ? {} : { sha256 }) },
        fetch: piecewise(model.pieces, this.questions, this.piece, failed),
      };
    }
    if (model.stored !== undefined) {
      const { stored } = model;
      const files = (await modelStore.list()).filter(({ complete }) => complete);
      // A file may have several addresses and names: it is asked for by the one that the app says, else by its first. The
      // version that was used last comes first.
      const is = (url) => url === stored || url === NAMED + stored || url.startsWith(`${NAMED}${stored}@`);
      const keys = files.map(({ name, urls }) => urls.find(is) ?? (name === stored ? urls[0] : undefined));
      const key = keys.find((found) => found !== undefined);
      if (key === undefined) throw new EmbedError('not_stored', 'no complete model of this name is in the store', { stored });
      const name = key.startsWith(NAMED) ? key.slice(NAMED.length) : undefined;
      return { model: name === undefined ? { url: key } : { url: addressOf(name), name } };
    }
    return { model };
  }

  async chat({ params, resume }, signal, say) {
    return chat(this.needed(), { params, resume, leaves: this.leaves }, signal, say);
  }

  async ledger({ rows, since }) {
    const { ledger } = this.needed();
    const about = since === undefined ? {} : { since };
    return { summary: await ledger.summary(about), totals: await ledger.totals(), ...(rows === true ? { rows: await ledger.rows(about) } : {}) };
  }

  stored() {
    return modelStore.list();
  }

  stats() {
    return this.needed().stats();
  }

  unload() {
    return this.needed().unload();
  }

  dispose() {
    this.ending?.abort();
    this.letGo();
  }

  letGo() {
    this.kinglet?.dispose();
    this.kinglet = undefined;
  }

  needed() {
    if (this.kinglet === undefined) throw new KingletError('not_loaded', 'no model is loaded: say load first');
    return this.kinglet;
  }
}

/** What `availability` says against it, as the error that loading would give. */
function refuse(found) {
  const { status, code, reason, memory } = found ?? {};
  if (status === 'too_large' || status === 'unsupported') {
    throw new KingletError(code ?? 'too_large', reason ?? 'this model cannot be run here', { ...memory });
  }
}
