// A value that can be watched.

export class Observable {
  #value;
  #listeners = new Set();

  constructor(value) {
    this.#value = value;
  }

  get value() {
    return this.#value;
  }

  /** Tells the listeners, unless it is the very same value: what changes inside of an object must be a new object. */
  set value(value) {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener(value);
  }

  /** Some fields of an object. */
  patch(fields) {
    this.value = { ...this.#value, ...fields };
  }

  /** Calls `listener` with each new value; returns what ends that. */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
