// Conversations as files: what is written, and what is taken in. A file may come from anywhere, so all of it is checked before any is kept.

export const FORMAT = 'kinglet-conversations';
export const VERSION = 1;

/** What a file may hold; a larger one is refused before it is read. */
export const MOST = { bytes: 256e6, conversations: 10_000, messages: 200_000, text: 4e6, title: 300, depth: 12 };

/** The file of some conversations, each with its `messages`. */
export function toJSON(conversations, now = new Date()) {
  return JSON.stringify({ format: FORMAT, version: VERSION, exported: now.toISOString(), conversations }, null, 1);
}

/** One conversation to read, along the way that is shown. */
export function toMarkdown({ title }, path) {
  const who = ({ role, model }) => (role === 'user' ? 'You' : (model ?? 'Answer'));
  return `# ${title}\n\n${path.map((message) => `## ${who(message)}\n\n${message.content}\n`).join('\n')}`;
}

/** Why a file was refused: `message` names the place. */
export class Refused extends Error {}

const refuse = (place, expected) => {
  throw new Refused(`${place}: expected ${expected}`);
};

/** Conversations with their `messages`, all checked; what this version does not know is left out. Throws `Refused`. */
export function fromJSON(text) {
  if (text.length > MOST.bytes) refuse('the file', `at most ${MOST.bytes / 1e6} MB`);
  let file;
  try {
    file = JSON.parse(text);
  } catch {
    refuse('the file', 'JSON, as this page exports it');
  }
  if (typeof file !== 'object' || file === null || file.format !== FORMAT) refuse('format', `"${FORMAT}": this is another kind of file`);
  if (file.version !== VERSION) {
    refuse('version', Number.isInteger(file.version) && file.version > VERSION ? `${VERSION}: a newer version of this page has written the file` : `${VERSION}`);
  }
  const conversations = list(file.conversations, 'conversations', MOST.conversations);
  let count = 0;
  return conversations.map((one, i) => {
    const found = conversation(object(one, `conversations[${i}]`), `conversations[${i}]`);
    count += found.messages.length;
    if (count > MOST.messages) refuse('conversations', `at most ${MOST.messages} messages`);
    return found;
  });
}

const object = (value, place) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : refuse(place, 'an object'));
const list = (value, place, most) => (Array.isArray(value) && value.length <= most ? value : refuse(place, `a list of at most ${most}`));
const string = (value, place, most) => (typeof value === 'string' && value.length <= most ? value : refuse(place, `a text of at most ${most} characters`));
const id = (value, place) => (typeof value === 'string' && /^[\w-]{1,64}$/.test(value) ? value : refuse(place, 'an id: 1 to 64 letters, digits, - and _'));
const time = (value, place) => (Number.isFinite(value) && Math.abs(value) < 8.64e15 ? value : refuse(place, 'a time in milliseconds'));

function conversation(value, place) {
  const own = id(value.id, `${place}.id`);
  const messages = list(value.messages, `${place}.messages`, MOST.messages).map((one, i) => message(object(one, `${place}.messages[${i}]`), own, `${place}.messages[${i}]`));
  const byId = new Map();
  for (const [i, one] of messages.entries()) {
    // Parents come first: so there can be no circle.
    if (byId.has(one.id)) refuse(`${place}.messages[${i}].id`, 'an id of its own');
    if (one.parent !== null && !byId.has(one.parent)) refuse(`${place}.messages[${i}].parent`, 'null, or the id of a message before it');
    byId.set(one.id, one);
  }
  const leaf = byId.has(value.leaf) ? value.leaf : (messages.at(-1)?.id ?? null);
  const [created, updated] = [time(value.created, `${place}.created`), time(value.updated, `${place}.updated`)];
  return { id: own, title: string(value.title, `${place}.title`, MOST.title), created, updated, leaf, messages };
}

const ROLES = ['user', 'assistant'];
const STATUSES = ['done', 'stopped', 'interrupted', 'failed'];
const FINISHES = ['stop', 'length', 'full', 'tool_calls'];

function message(value, conversation, place) {
  if (!ROLES.includes(value.role)) refuse(`${place}.role`, 'user or assistant');
  const status = value.status === 'running' ? 'interrupted' : value.status;
  if (!STATUSES.includes(status)) refuse(`${place}.status`, STATUSES.join(', '));
  const optional = {
    error: value.error && { code: String(object(value.error, `${place}.error`).code), message: String(value.error.message) },
    model: value.model && string(value.model, `${place}.model`, MOST.text).slice(0, MOST.title), // a model file says what it likes
    raw: value.raw === true || undefined,
    finish: FINISHES.includes(value.finish) ? value.finish : undefined,
    room: Number.isFinite(value.room) ? value.room : undefined,
    firstMs: Number.isFinite(value.firstMs) ? value.firstMs : undefined,
    sure: value.sure && sure(object(value.sure, `${place}.sure`), `${place}.sure`),
    answer: value.answer && plain(object(value.answer, `${place}.answer`), `${place}.answer`),
    passages: value.passages && list(value.passages, `${place}.passages`, 1000).map((one, i) => plain(object(one, `${place}.passages[${i}]`), `${place}.passages[${i}]`)),
  };
  return {
    id: id(value.id, `${place}.id`),
    conversation,
    parent: value.parent === null ? null : id(value.parent, `${place}.parent`),
    role: value.role,
    content: string(value.content, `${place}.content`, MOST.text),
    created: time(value.created, `${place}.created`),
    status,
    ...Object.fromEntries(Object.entries(optional).filter(([, field]) => field !== undefined)),
  };
}

function sure({ mean, lowest, word }, place) {
  const share = (value) => (Number.isFinite(value) && value >= 0 && value <= 1 ? value : refuse(place, 'probabilities from 0 to 1'));
  return { mean: share(mean), lowest: share(lowest), word: ['sure', 'fairly sure', 'in doubt'].includes(word) ? word : refuse(`${place}.word`, 'a word for it') };
}

/** A copy of plain data, without names that mean something to JavaScript itself. */
function plain(value, place, depth = 0) {
  if (depth > MOST.depth) refuse(place, `at most ${MOST.depth} levels`);
  if (Array.isArray(value)) return value.map((one) => plain(one, place, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  const names = Object.keys(value).filter((name) => !['__proto__', 'constructor', 'prototype'].includes(name));
  return Object.fromEntries(names.map((name) => [name, plain(value[name], place, depth + 1)]));
}
