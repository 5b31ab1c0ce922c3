// What the host says that the page begins with: model.json beside it. `{url, load, offline?, missing?, demo?}`.

/** Read once; without it the page asks for a model. */
export const preset = await fetch('model.json')
  .then((response) => (response.ok ? response.json() : {}))
  .catch(() => ({}));
