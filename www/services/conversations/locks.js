// Which answers run, in whatever tab: each holds a lock, which the browser takes back when the tab ends, however it does.

const PREFIX = 'kinglet.answer.';

/** Where a browser has no locks, only this tab's own are known. */
const own = new Set();

/** Says that the answer of this message runs; returns what ends that. */
export function hold(id) {
  own.add(id);
  let release = () => undefined;
  const held = new Promise((resolve) => (release = resolve));
  void navigator.locks?.request(`${PREFIX}${id}`, () => held).catch(() => undefined);
  return () => {
    own.delete(id);
    release();
  };
}

/** The ids of the messages whose answers run. */
export async function alive() {
  const { held = [], pending = [] } = (await navigator.locks?.query().catch(() => undefined)) ?? {};
  const ids = [...held, ...pending].filter(({ name }) => name.startsWith(PREFIX)).map(({ name }) => name.slice(PREFIX.length));
  return new Set([...ids, ...own]);
}
