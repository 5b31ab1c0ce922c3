// Draws www/icons from www/icon.svg, in Chromium: `node tools/icons.mjs` (KINGLET_CHROMIUM says where that is).
//
// `any` icons are transparent and nearly full; maskable ones have a ground and keep to the middle 80 %, which every mask leaves;
// Apple's has a ground, too, because black takes the place of what is transparent.
import { mkdirSync, readFileSync } from 'node:fs';
import { launch } from '../tests/web/support/browser.mjs';

const FOLDER = new URL('../www/icons/', import.meta.url);
const GROUND = '#fbfbf8';
/** Name, pixels, share of the side that the picture takes, ground. */
const ICONS = [
  ['192', 192, 0.96, 'transparent'],
  ['512', 512, 0.96, 'transparent'],
  ['maskable-192', 192, 0.66, GROUND],
  ['maskable-512', 512, 0.66, GROUND],
  ['apple-touch', 180, 0.8, GROUND],
];

mkdirSync(FOLDER, { recursive: true });
const picture = readFileSync(new URL('../icon.svg', FOLDER), 'utf8').replace('viewBox="0 0 32 32"', 'viewBox="2.5 1 27 27"');
const browser = await launch();
const page = await browser.newPage();
for (const [name, side, share, ground] of ICONS) {
  await page.setViewportSize({ width: side, height: side });
  await page.setContent(`<style>body { margin: 0; height: 100vh; display: grid; place-items: center; background: ${ground} }
    svg { width: ${share * 100}vw; height: ${share * 100}vw }</style>${picture}`);
  await page.screenshot({ path: new URL(`${name}.png`, FOLDER).pathname, omitBackground: ground === 'transparent' });
}
await browser.close();
