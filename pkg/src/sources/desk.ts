// The project's own models by their names. Their weights are a package of their own, which may not be there.

/** Where the weights of `desk` or `desk-nano` are; undefined: the package is not installed. */
export async function findDesk(name: 'desk' | 'desk-nano'): Promise<string | undefined> {
  try {
    // Inside a `try`, and a peer dependency that is optional: bundlers then leave out what is not installed.
    const { desk, nano } = await import('kinglet-desk');
    return (name === 'desk' ? desk : nano).href;
  } catch {
    return undefined;
  }
}
