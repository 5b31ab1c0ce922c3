// Where records lie: in the database, or in memory where there is none. Both have the same methods.

/** In IndexedDB: every method is one transaction, so that tabs cannot undo each other's writes. */
export class Kept {
  constructor(db) {
    this.db = db;
  }

  conversations = () => this.db.getAll('conversations');
  conversation = (id) => this.db.get('conversations', id);
  messages = (conversation) => this.db.getAllFromIndex('messages', 'conversation', conversation);
  byAnswer = (id) => this.db.getAllFromIndex('messages', 'answer', id);

  /** Writes messages of one conversation, and fields of its own, and forgets some; false, and nothing is done, where it has been deleted. */
  async write(id, fields, messages = [], forgotten = []) {
    const transaction = this.db.transaction(['conversations', 'messages'], 'readwrite');
    const known = await transaction.objectStore('conversations').get(id);
    if (known) {
      transaction.objectStore('conversations').put({ ...known, ...fields });
      for (const message of messages) transaction.objectStore('messages').put(message);
      for (const message of forgotten) transaction.objectStore('messages').delete(message);
    }
    await transaction.done;
    return known !== undefined;
  }

  /** A conversation with all its messages; throws where one of the ids is taken, and then nothing is written. */
  async add(conversation, messages) {
    const transaction = this.db.transaction(['conversations', 'messages'], 'readwrite');
    const writes = [
      transaction.objectStore('conversations').add(conversation),
      ...messages.map((message) => transaction.objectStore('messages').add(message)),
    ];
    await Promise.all([...writes, transaction.done]);
  }

  /**
   * Takes in whole conversations, each with its `messages`, all or none: `{added, there}`, counts. What is here already, word by word, is left
   * out; what has an id that is taken is taken in as `renamed(conversation, messages)` says.
   */
  async takeIn(list, renamed) {
    const transaction = this.db.transaction(['conversations', 'messages'], 'readwrite');
    const [conversations, messages] = [transaction.objectStore('conversations'), transaction.objectStore('messages')];
    const result = { added: 0, there: 0 };
    try {
      for (const { messages: own, ...conversation } of list) {
        const there = (await conversations.getKey(conversation.id)) !== undefined;
        if (there && isThere(await messages.index('conversation').getAll(conversation.id), own)) {
          result.there += 1;
          continue;
        }
        const taken = there || (await Promise.all(own.map(({ id }) => messages.getKey(id)))).some((key) => key !== undefined);
        const [one, its] = taken ? renamed(conversation, own) : [conversation, own];
        await Promise.all([conversations.add(one), ...its.map((message) => messages.add(message))]);
        result.added += 1;
      }
    } catch (error) {
      try {
        transaction.abort();
      } catch {
        // The browser has done so.
      }
      await transaction.done.catch(() => undefined);
      throw transaction.error ?? error;
    }
    await transaction.done;
    return result;
  }

  /** Deletes it; resolves to its messages. */
  async remove(id) {
    const transaction = this.db.transaction(['conversations', 'messages'], 'readwrite');
    const messages = await transaction.objectStore('messages').index('conversation').getAll(id);
    transaction.objectStore('conversations').delete(id);
    for (const message of messages) transaction.objectStore('messages').delete(message.id);
    await transaction.done;
    return messages;
  }

  close() {
    this.db.close();
  }
}

/** As long as the page. */
export class InMemory {
  #conversations = new Map();
  #messages = new Map();

  conversations = async () => [...this.#conversations.values()];
  conversation = async (id) => this.#conversations.get(id);
  messages = async (conversation) => [...this.#messages.values()].filter((message) => message.conversation === conversation);
  byAnswer = async (id) => [...this.#messages.values()].filter(({ answer }) => answer?.id === id);

  async write(id, fields, messages = [], forgotten = []) {
    const known = this.#conversations.get(id);
    if (!known) return false;
    this.#conversations.set(id, { ...known, ...fields });
    for (const message of messages) this.#messages.set(message.id, message);
    for (const message of forgotten) this.#messages.delete(message);
    return true;
  }

  async add(conversation, messages) {
    if (this.#conversations.has(conversation.id) || messages.some(({ id }) => this.#messages.has(id))) {
      throw new DOMException('the id is taken', 'ConstraintError');
    }
    this.#conversations.set(conversation.id, conversation);
    for (const message of messages) this.#messages.set(message.id, message);
  }

  async takeIn(list, renamed) {
    const result = { added: 0, there: 0 };
    for (const { messages: own, ...conversation } of list) {
      const there = this.#conversations.has(conversation.id);
      if (there && isThere(await this.messages(conversation.id), own)) {
        result.there += 1;
        continue;
      }
      const taken = there || own.some(({ id }) => this.#messages.has(id));
      await this.add(...(taken ? renamed(conversation, own) : [conversation, own]));
      result.added += 1;
    }
    return result;
  }

  async remove(id) {
    const messages = await this.messages(id);
    this.#conversations.delete(id);
    for (const message of messages) this.#messages.delete(message.id);
    return messages;
  }

  close() {}
}

/** Whether all of these messages are known already, word by word. */
function isThere(known, messages) {
  const contents = new Map(known.map(({ id, content }) => [id, content]));
  return messages.every(({ id, content }) => contents.get(id) === content);
}
