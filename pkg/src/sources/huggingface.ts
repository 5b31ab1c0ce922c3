// Files of repositories that are laid out as Hugging Face's.

import { KingletError } from '../errors.js';
import type { RepoFile } from '../types.js';

const ENDPOINT = 'https://huggingface.co';

/** Whether this names a file in a repository. */
export function isRepoFile(source: object): source is RepoFile {
  return 'repo' in source && typeof source.repo === 'string' && 'file' in source && typeof source.file === 'string';
}

/** The address of a file. Where a repository is private, `headers` must say who asks. */
export function huggingFace({ repo, file, revision = 'main', endpoint = ENDPOINT }: RepoFile): string {
  if (!/^[\w.-]+\/[\w.-]+$/.test(repo)) {
    throw invalid('a repository "owner/name"', repo);
  }
  if (file === '' || file.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    throw invalid('a path in the repository', file);
  }
  const path = file.split('/').map(encodeURIComponent).join('/');
  try {
    return new URL(`${endpoint.replace(/\/+$/, '')}/${repo}/resolve/${encodeURIComponent(revision)}/${path}`).href;
  } catch {
    throw invalid('an address as endpoint', endpoint);
  }
}

/** `hf:owner/name/path/file.gguf`, or `hf:owner/name@revision/path/file.gguf`. */
export function parseHf(text: string): RepoFile {
  const [, repo, revision, file] = /^hf:([^/@]+\/[^/@]+)(?:@([^/]+))?\/(.+)$/.exec(text) ?? [];
  if (repo === undefined || file === undefined) {
    throw invalid('"hf:owner/name/file.gguf"', text);
  }
  return { repo, file, ...(revision === undefined ? {} : { revision: decodeURIComponent(revision) }) };
}

function invalid(expected: string, got: string): KingletError {
  const message = `invalid request: model: expected ${expected}, got "${got}"`;
  return new KingletError('invalid_request', message, { param: 'model' });
}
