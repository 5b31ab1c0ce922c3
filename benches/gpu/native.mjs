// The native tool as the bench's place: each call is a run of its own.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What the tool prints, on the driver of `place`; its progress is not ours. */
async function tool(ask, place, args) {
  const driver = place?.driver ? { VK_DRIVER_FILES: place.driver, VK_ICD_FILENAMES: place.driver } : {};
  const { stdout } = await run(ask.tool, args, { env: { ...process.env, ...driver }, maxBuffer: 1 << 26 });
  return JSON.parse(stdout);
}

/** The report of single kernels. */
export function kernels(ask, place, plan) {
  return tool(ask, place, ['kernels', '--plan', JSON.stringify(plan)]);
}

/** Speed of a model with a prompt of so many tokens. */
export function model(ask, place, tokens) {
  const amount = ['--prompt-tokens', tokens, '--generate', ask.generate + 1, '--repeat', ask.rounds, '--ctx', ask.n_ctx].map(String);
  return tool(ask, place, ['bench', ask.model, '--backend', 'gpu', ...amount]);
}

/** The likeliest tokens after each prompt, on the processor; what everything else is compared with. */
export async function likely(ask, prompts, backend = 'cpu', place) {
  const folder = mkdtempSync(join(tmpdir(), 'kinglet-bench-'));
  try {
    const file = join(folder, 'prompts.txt');
    writeFileSync(file, prompts.join('\n'));
    const { lists } = await tool(ask, place, ['bench', ask.model, '--likely', file, '--backend', backend, '--ctx', String(ask.n_ctx)]);
    return lists;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
