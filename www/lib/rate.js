// How fast something goes, smoothed, and how long the rest takes.

/** What happened so long ago counts a third as much as what happens now. */
const SECONDS = 5;

/** One thing on its way: say how far it is, ask how fast it goes. */
export class Rate {
  #last;
  #speed;

  /** `count` of it is there at `now` (milliseconds). */
  at(count, now = performance.now()) {
    if (this.#last === undefined || count < this.#last.count) {
      this.#last = { count, now };
      this.#speed = undefined;
      return;
    }
    const seconds = (now - this.#last.now) / 1000;
    if (seconds < 0.25) return; // what arrives in bursts says nothing yet
    const speed = (count - this.#last.count) / seconds;
    const weight = 1 - Math.exp(-seconds / SECONDS);
    this.#speed = this.#speed === undefined ? speed : this.#speed + weight * (speed - this.#speed);
    this.#last = { count, now };
  }

  /** Per second; undefined before it is known. */
  get speed() {
    return this.#speed;
  }

  /** Milliseconds for `left`; undefined where nobody can know. */
  left(left) {
    return this.#speed > 0 ? (left / this.#speed) * 1000 : undefined;
  }
}
