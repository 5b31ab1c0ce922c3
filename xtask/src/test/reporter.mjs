// A node:test reporter for `cargo xtask test`: one JSON line per finished test and for what it notes (`t.diagnostic`),
// everything else passed through.
const line = (event) => `${JSON.stringify(event)}\n`;

/** The error with its cause, stack and assertion difference, as text. */
function explain(error) {
  const cause = error?.cause ?? error;
  return String(cause?.stack ?? cause);
}

export default async function* report(source) {
  for await (const { type, data } of source) {
    if (type === 'test:stdout' || type === 'test:stderr') {
      yield line({ output: data.message });
    }
    // Those without a file are the runner's own totals.
    if (type === 'test:diagnostic' && data.file) {
      yield line({ note: data.message });
    }
    if ((type === 'test:pass' || type === 'test:fail') && data.details?.type !== 'suite') {
      yield line({
        name: data.name,
        file: data.file ?? '',
        seconds: (data.details?.duration_ms ?? 0) / 1000,
        passed: type === 'test:pass',
        // An empty reason is still a skip.
        skip: data.skip === undefined && data.todo === undefined ? null : String(data.skip ?? data.todo),
        error: type === 'test:fail' ? explain(data.details?.error) : '',
      });
    }
  }
}
