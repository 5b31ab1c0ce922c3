// The text of a message: Markdown of an answer, drawn at most once per frame while it grows; as it is written for everything else.

import { MarkdownView } from '../../lib/markdown.js';

/** Longer ones wait for a free moment, and are shown as they are written until then. */
const AT_ONCE = 2000;
/** Of the time a growing text may take at most a fifth: the rest is for the reader's scrolling and typing. */
const SHARE = 5;

const waiting = [];
let working = false;

/** Draws the waiting ones, the latest first, a little in each task. */
async function work() {
  working = true;
  for (let draw = waiting.pop(); draw; draw = waiting.pop()) {
    draw();
    await new Promise((resolve) => setTimeout(resolve));
  }
  working = false;
}

/** `<message-text>`: give it `content` {text, markdown, live}, where `live` is an observable of the whole text, or undefined. */
class MessageText extends HTMLElement {
  #content = { text: '' };
  #view;
  #end;
  #frame = 0;
  #notBefore = 0;

  /** Called after each drawing, with the element: to follow the end. */
  ondrawn;

  set content(content) {
    const { text, markdown, live } = this.#content;
    if (content.text === text && content.markdown === markdown && content.live === live) return;
    this.#content = content;
    this.#stop();
    if (live && !content.live) this.#draw();
    else if (this.isConnected) this.connectedCallback();
  }

  connectedCallback() {
    const { live, text, markdown } = this.#content;
    this.#stop();
    if (live) {
      this.#end = live.subscribe(() => this.#later());
      this.#draw();
    } else if (markdown && text.length > AT_ONCE && !this.#view) {
      this.classList.add('plain');
      this.textContent = text;
      waiting.push(() => this.isConnected && this.#content.text === text && this.#draw());
      if (!working) void work();
    } else {
      this.#draw();
    }
  }

  disconnectedCallback() {
    this.#stop();
  }

  #stop() {
    this.#end?.();
    this.#end = undefined;
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#frame);
    this.#frame = 0;
  }

  #later() {
    if (this.#frame) return;
    const draw = () => {
      this.#frame = 0;
      if (performance.now() < this.#notBefore) this.#later();
      else this.#draw();
    };
    // A hidden tab gets no frames.
    this.#frame = document.hidden ? setTimeout(draw, 250) : requestAnimationFrame(draw);
  }

  #draw() {
    const began = performance.now();
    const { text, markdown, live } = this.#content;
    const shown = live ? live.value : text;
    this.classList.toggle('plain', !markdown);
    if (markdown) {
      if (!this.#view) this.replaceChildren();
      this.#view ??= new MarkdownView(this);
      this.#view.update(shown, !live);
    } else {
      this.#view = undefined;
      if (shown.startsWith(this.textContent) && this.lastChild) this.lastChild.appendData(shown.slice(this.textContent.length));
      else this.textContent = shown;
    }
    const now = performance.now();
    this.#notBefore = now + (now - began) * (SHARE - 1);
    this.ondrawn?.(this);
  }
}

customElements.define('message-text', MessageText);

// The first drawing compiles the parser and the sanitiser: before an answer comes rather than with its first words.
(globalThis.requestIdleCallback ?? setTimeout)(() => new MarkdownView(document.createElement('div')).update('- *a* [b](https://example.com)\n\n```js\nc\n```'));
