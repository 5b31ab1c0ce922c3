// The page that an app embeds: finds out who the app is, and lets a session answer it (docs/webview.md).
import { Session } from './session.js';
import { transport } from './transport.js';

const status = document.getElementById('status');
const tell = (text) => (status.textContent = text);

const way = transport();
if (way === undefined) {
  tell('This page is for an app to embed. It does nothing by itself.');
} else {
  new Session(way, tell).begin();
}
document.body.dataset.ready = 'true';
