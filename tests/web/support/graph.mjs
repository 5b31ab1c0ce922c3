// Which files of the package an entry reaches: by static imports, by import(), and as workers.
import { readFileSync } from 'node:fs';

/** A file's code without its comments: no word of prose is taken for code. */
export function codeOf(url) {
  return readFileSync(url, 'utf8').replace(/^\s*(\/\/|\*|\/\*).*$/gm, '');
}

/** All files that are reached from `entry`, relative to `root`. `dynamic`: also by import(), and as workers. */
export function graphOf(entry, root, { dynamic = true } = {}) {
  const seen = new Set();
  const visit = (url) => {
    if (seen.has(url.href)) return;
    seen.add(url.href);
    const code = codeOf(url);
    const ways = [/\b(?:import|export)\s*(?:[\w$*{}\s,]+?from\s*)?["'](\.[^"']+)["']/g, ...(dynamic ? [/\bimport\(\s*["'](\.[^"']+)["']\s*\)/g, /new URL\(\s*["'](\.[^"']+\.js)["']/g] : [])];
    for (const way of ways) {
      for (const [, next] of code.matchAll(way)) visit(new URL(next, url));
    }
  };
  visit(new URL(entry, root));
  return [...seen].map((href) => href.slice(root.href.length)).sort();
}
