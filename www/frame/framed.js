// The page does not run inside of another site's page, whose overlay could make its user say yes to what he does not see. The header
// `frame-ancestors` says so to the browser (docs/deploying.md); a host that does not send it has this.

import { html, render } from '../vendor/lit-html.js';

/** Whether a page of another origin is around this one, at any distance. */
export function framed() {
  for (let page = window; page !== page.parent; page = page.parent) {
    try {
      if (page.parent.location.origin !== location.origin) return true;
    } catch {
      return true; // another origin's, which may not be looked at
    }
  }
  return false;
}

/** Says it, and offers the page by itself. */
export function refuse(element) {
  const here = new URL('.', document.baseURI).href;
  render(html`<p class="problem" role="alert">This page does not run inside of another site. <a href=${here} target="_blank" rel="noopener">Open it by itself</a>.</p>`, element);
}
