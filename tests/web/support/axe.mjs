// What axe finds that is serious, of the page or a part of it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const AXE = readFileSync(fileURLToPath(new URL('../../../node_modules/axe-core/axe.min.js', import.meta.url)), 'utf8');

/** One line for each rule that is broken. */
export async function problems(page, selector = 'html') {
  await page.evaluate(AXE);
  const found = await page.evaluate((part) => globalThis.axe.run(part), selector);
  return found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}
