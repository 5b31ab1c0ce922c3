// Starts a shard worker: apart from all else, so that an engine without such workers does not bring their files.

/** A worker for a part of the model, not yet at work. */
export function hire(): Worker {
  // Bundlers recognise this exact form.
  return new Worker(new URL('./shard.js', import.meta.url), { type: 'module', name: 'kinglet-shard' });
}
