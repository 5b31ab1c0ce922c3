// The bench on a page: `globalThis.bench` with what handlers.js has, and a way to await it in steps, for a driver whose scripts
// must end soon.
import { handlers } from './handlers.js';
import { kinglet, wllama } from '/bench/engines.js';

const unkept = { store: 'none' };
const bench = handlers({
  make: {
    kinglet: () => kinglet('/pkg/', unkept),
    against: () => kinglet('/against/', unkept),
    wllama,
  },
  async meter() {
    const module = await import('/meter/kinglet_bench.js');
    await module.default();
    return module.measureKernels;
  },
});

let running;
globalThis.bench = {
  ...bench,
  /** Begins; `poll` says how far it is. */
  start(name, args) {
    running = { done: false };
    const mine = running;
    Promise.resolve()
      .then(() => bench[name](args))
      .then(
        (value) => Object.assign(mine, { done: true, value }),
        (error) => Object.assign(mine, { done: true, error: String(error?.message ?? error) }),
      );
  },
  poll: () => running,
};
document.body.dataset.ready = '';
