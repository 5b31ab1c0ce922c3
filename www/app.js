// The page: a model, a conversation, and what it costs. It uses the package exactly as a customer would.

import './load.js';
import './talk.js';
import { $, state } from './state.js';

document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    state.running?.abort();
    state.loading?.abort();
  }
});

// The preset: ?model=…&backend=…, or what the server was started with.

const query = new URLSearchParams(location.search);
for (const name of ['backend', 'context', 'cache']) {
  if (query.has(name)) {
    $(name).value = query.get(name);
  }
}
if (query.has('model')) {
  $('url').value = query.get('model');
} else {
  const preset = await fetch('model.json').then((response) => (response.ok ? response.json() : undefined), () => undefined);
  state.version = preset?.offline;
  if (preset?.url && $('url').value === '') {
    $('url').value = preset.url;
    if (preset.load) {
      $('load').requestSubmit();
    }
  }
  if (preset?.missing) {
    $('missing-file').textContent = preset.missing;
    $('missing').hidden = false;
  }
}
document.body.dataset.ready = 'true';
