// What `createKinglet` is told of remote models: nothing, until the user has set one up.

/** `mode`, `remote`, `escalation`, `budget`, `privacy`, … or nothing at all. */
export async function escalationOptions() {
  return {};
}

/** What happened to the engine (docs/api.md, Notices). */
export function onNotice() {}
