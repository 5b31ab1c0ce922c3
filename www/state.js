// What the parts of the page share.

/** The element with this id. */
export const $ = (id) => document.getElementById(id);

export const state = {
  kinglet: undefined, // the loaded model
  version: undefined, // of the page's files, where they can be kept for a reload offline
  desk: false, // it is the project's own task model
  messages: [], // the conversation so far, for models with a chat template
  loading: undefined, // AbortController of the load in progress
  running: undefined, // AbortController of the answer in progress
};

/** Enables what can be used now. */
export function showReady() {
  const { kinglet, desk, loading, running } = state;
  $('ask').hidden = !kinglet;
  $('send').hidden = running !== undefined;
  $('stop').hidden = running === undefined;
  $('about').hidden = !kinglet;
  $('label').hidden = !desk;
  $('tasks').hidden = !desk;
  $('speed').hidden = desk; // there every answer says its own
  $('empty').hidden = $('log').childElementCount > 0 || loading !== undefined || !$('error').hidden;
  if (!kinglet) {
    $('empty').textContent = 'Load a model to begin.';
  }
}
