// A conversation is a tree: each message has a parent, and what is shown is the way from one leaf up to the root. Pure functions.

/** Older first; of the same moment always in the same order. */
const inOrder = (a, b) => a.created - b.created || (a.id < b.id ? -1 : 1);

/** The messages from the root to `leaf`. `messages`: id → message. */
export function pathTo(messages, leaf) {
  const path = [];
  const seen = new Set(); // a damaged store must not hang the page
  for (let at = messages.get(leaf); at && !seen.has(at.id); at = messages.get(at.parent)) {
    seen.add(at.id);
    path.push(at);
  }
  return path.reverse();
}

/** All versions of a message: those with the same parent and the same role, itself among them. */
export function versions(messages, { parent, role }) {
  return [...messages.values()].filter((other) => other.parent === parent && other.role === role).sort(inOrder);
}

/** The newest leaf below a message. */
export function newestLeaf(messages, id) {
  const children = childrenOf(messages);
  const seen = new Set();
  let at = id;
  while (!seen.has(at)) {
    seen.add(at);
    at = children.get(at)?.at(-1)?.id ?? at;
  }
  return at;
}

/** The newest message of all that has no child. */
export function lastLeaf(messages) {
  const children = childrenOf(messages);
  return [...messages.values()].filter(({ id }) => !children.has(id)).sort(inOrder).at(-1)?.id ?? null;
}

/** All messages, each after its parent. */
export function parentsFirst(messages) {
  const children = childrenOf(new Map(messages.map((message) => [message.id, message])));
  const known = new Set(messages.map(({ id }) => id));
  const order = messages.filter(({ parent }) => parent === null || !known.has(parent)).sort(inOrder);
  for (const message of order) order.push(...(children.get(message.id) ?? [])); // it grows while it is walked
  return order;
}

function childrenOf(messages) {
  const children = new Map();
  for (const message of [...messages.values()].sort(inOrder)) {
    if (message.parent === null) continue;
    if (!children.has(message.parent)) children.set(message.parent, []);
    children.get(message.parent).push(message);
  }
  return children;
}

/** A conversation's name, from the first words of it. */
export function titleOf(text) {
  const line = text.trim().split(/\s+/).join(' ');
  const whole = [...line];
  return whole.length === 0 ? 'Conversation' : whole.length <= 60 ? line : `${whole.slice(0, 59).join('').trimEnd()}…`;
}
