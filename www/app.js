// The assistant: one engine, one view at a time. It uses the package exactly as a customer would.

import { html, render } from './vendor/lit-html.js';
import { keepToSettings } from './escalation/apply.js';
import { framed, refuse } from './frame/framed.js';
import { offline, sources as offlineSources } from './frame/offline.js';
import { keepPage } from './keep.js';
import { draw } from './lib/draw.js';
import { engine, loadModel } from './services/engine.js';
import { firstModel } from './services/models.js';
import { preset } from './services/preset.js';
import { go, href, route } from './services/route.js';

/**
 * Views: each module exports `title` and `show(element, args)`, which draws the view into the element and returns what ends it; it is
 * called anew when the arguments change, unless what it returned has `update(args)`.
 */
const VIEWS = {
  chat: { name: 'Chat', load: () => import('./views/chat/index.js') },
  documents: { name: 'Documents', load: () => import('./views/documents/index.js') },
  models: { name: 'Models', load: () => import('./views/models/index.js') },
  dashboard: { name: 'Dashboard', load: () => import('./views/dashboard/index.js') },
  settings: { name: 'Settings', load: () => import('./views/settings/index.js') },
  developer: { name: 'Developer', load: () => import('./views/developer/index.js') },
  ...(preset.demo ? { tour: { name: 'Tour', load: () => import('./views/tour/index.js') } } : {}),
};

const shell = () => html`
  <a class="brand" href=${href('chat')}><img src="icon.svg" alt="" width="28" height="28" /><span>kinglet</span></a>
  <nav aria-label="Views">
    ${Object.entries(VIEWS).map(
      ([id, { name }]) => html`<a href=${href(id)} aria-current=${route.value.view === id ? 'page' : 'false'}>${name}</a>`,
    )}
  </nav>
  ${offline()}
  <a id="where" class="chip" href=${href('models')} data-status=${engine.value.status}>${where(engine.value)}</a>
`;

/** What runs, in a few words. */
function where({ status, model, info, progress }) {
  switch (status) {
    case 'ready':
      if (info.backend === 'none') return progress?.total > 0 ? `Bigger model · loading ${Math.floor((progress.loaded / progress.total) * 100)} %` : 'Bigger model';
      return `${info.model || model.name} · ${info.backend === 'gpu' ? 'GPU' : 'Processor'}`;
    case 'loading':
      return progress?.total > 0 ? `Loading ${Math.floor((progress.loaded / progress.total) * 100)} %` : 'Loading…';
    case 'failed':
      return 'Model failed';
    default:
      return 'No model';
  }
}

let end; // of the view that is shown
let shown = 0; // a view that comes later than the next one is not shown

async function show({ view, args }) {
  const mine = ++shown;
  const known = Object.hasOwn(VIEWS, view) ? view : 'chat';
  const main = document.querySelector('#main');
  try {
    const module = await VIEWS[known].load();
    if (mine !== shown) return;
    if (end?.update && main.dataset.view === known) {
      end.update(args);
      return;
    }
    end?.();
    end = undefined;
    main.dataset.view = known;
    document.title = `${module.title} · kinglet`;
    end = module.show(main, args);
  } catch (error) {
    if (mine !== shown) return;
    render(html`<p class="problem" role="alert">This part of the page could not be loaded: ${error.message}</p>`, main);
  }
}

async function start() {
  keepToSettings();
  draw(document.querySelector('#shell'), shell, [engine, route, ...offlineSources]);
  if (preset.demo && location.hash === '') go('tour', [], { replace: true });
  route.subscribe(show);
  await show(route.value);

  // The model: what the address says (?model=…), or what the user chose last and is still here, or what the host says.
  const asked = new URLSearchParams(location.search).get('model') ?? undefined;
  const loaded = firstModel(asked, preset.load ? preset.url : undefined).then((choice) => choice && loadModel(choice));
  document.body.dataset.ready = 'true';
  void keepPage(preset.offline, loaded);
}

if (framed()) refuse(document.querySelector('#main'));
else await start();
