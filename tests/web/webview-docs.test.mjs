// docs/webview.md, the hosts of apps/ and the protocol say the same; the page's samples run, or are in a source that is checked.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { launch, missing, notBuilt } from './support/browser.mjs';
import { DESK_NANO, noDesk } from './support/desk.mjs';
import { serveEmbed } from './support/embed.mjs';
import { blocks, program } from './support/markdown.mjs';
import { noWebView, webViews } from './support/webview.mjs';

const skip = missing() ?? noDesk() ?? false;
const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const page = read('docs/webview.md');
const ANDROID = 'apps/android/app/src/main/java/kinglet/embed';

/** First and second column of the table below this line. */
function table(begin) {
  const text = page.split(`\n${begin}\n`)[1]?.trimStart().split('\n\n')[0];
  assert.ok(text, begin);
  const rows = text.split('\n').slice(2).map((line) => line.split('|').slice(1, 3));
  const names = (cell) => [...cell.replace(/\{.*?\}|\(.*?\)/g, '').matchAll(/`(\w+\??)`/g)].map((match) => match[1]);
  return rows.flatMap(([types, fields]) => names(types).map((type) => [type, names(fields)]));
}

test('the tables of the protocol have its messages and their fields, and no other', { skip: notBuilt() ?? false }, async () => {
  const { APP, PAGE } = await import('../../pkg/dist/embed/messages.js');
  for (const [begin, shapes] of [['What the app says:', APP], ['What the page says:', PAGE]]) {
    const wanted = Object.entries(shapes).map(([type, fields]) => [type, Object.keys(fields).filter((name) => name !== 'id').sort()]);
    const said = table(begin).map(([type, fields]) => [type, fields.filter((name) => name !== 'id').sort()]);
    assert.deepEqual(Object.fromEntries(said), Object.fromEntries(wanted), begin);
  }
});

/** Texts in quotes of one list of a source. */
const quoted = (text, begin, end) => [...(text.split(begin)[1]?.split(end)[0] ?? '').matchAll(/"(\w+)"/g)].map((match) => match[1]);

test('the hosts for Android and iOS know the same messages', { skip: notBuilt() ?? false }, async () => {
  const { APP, PAGE } = await import('../../pkg/dist/embed/messages.js');
  for (const [path, app, its, end] of [
    [`${ANDROID}/Protocol.kt`, 'val APP = setOf(', 'val PAGE = setOf(', ')'],
    ['apps/ios/Sources/Protocol.swift', 'static let app: Set<String> = [', 'static let page: Set<String> = [', ']'],
  ]) {
    assert.deepEqual(quoted(read(path), app, end).sort(), Object.keys(APP).sort(), path);
    assert.deepEqual(quoted(read(path), its, end).sort(), Object.keys(PAGE).sort(), path);
  }
});

test('the hosts for Android and iOS give up a model that ends the process each time, and hold nothing when they are closed', () => {
  const [, most] = /after (\w+) ends with no chat done between them/.exec(page);
  assert.equal(most, 'three');
  for (const [path, bound] of [[`${ANDROID}/KingletHost.kt`, /const val MOST_ENDS = 2\b/], ['apps/ios/Sources/KingletHost.swift', /static let mostEnds = 2\b/]]) {
    const text = read(path);
    assert.match(text, bound);
    assert.match(text, /ends \+= 1\s+if \(?ends > \S+?\)? (\{ )?giveUp\(\)/, path);
    assert.match(text, /"process_ended"/, path);
  }
  const swift = read('apps/ios/Sources/KingletHost.swift');
  assert.doesNotMatch(swift, /userContentController\.add\(self/, 'the controller would hold the host, which holds the view, for ever');
  assert.match(swift, /removeScriptMessageHandler\(forName: "kinglet"\)/);
});

test('what was not compiled here says so in its first line', () => {
  for (const [folder, words] of [[ANDROID, /never built with the Android SDK and never run/], ['apps/ios/Sources', /^\/\/ Not compiled here/]]) {
    const names = readdirSync(new URL(`../../${folder}`, import.meta.url));
    assert.ok(names.length >= 3, folder);
    for (const name of names) assert.match(read(`${folder}/${name}`).split('\n')[0], words, name);
  }
});

test('the samples for Android and iOS stand in their sources, word by word', () => {
  for (const [language, path] of [['kotlin', `${ANDROID}/Sample.kt`], ['swift', 'apps/ios/Sources/Sample.swift']]) {
    const [sample, ...more] = blocks(page, language);
    assert.deepEqual(more, []);
    assert.ok(sample.length > 100 && read(path).includes(sample), path);
  }
});

test('the options that are named are those that the page takes', () => {
  const [, said] = /`options` are those[^:]*: (.*?)\. A remote/s.exec(page);
  const [, taken] = /const DATA = \[(.*?)\]/s.exec(read('www/embed/options.js'));
  const names = (text, quote) => [...text.matchAll(new RegExp(`${quote}(\\w+)${quote}`, 'g'))].map((match) => match[1]).sort();
  assert.deepEqual(names(said, '`'), names(taken, "'"));
});

test('its JavaScript runs', { skip, timeout: 300_000 }, async () => {
  const [sample, ...more] = blocks(page);
  assert.deepEqual(more, []);
  const [browser, site] = [await launch(), await serveEmbed({ models: { 'desk-nano.gguf': DESK_NANO } })];
  const tab = await browser.newPage();
  await tab.goto(`${site.origin}/app.html`);
  const ran = (text) => tab.evaluate(async (text) => (await import(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })))).ran, text.replaceAll("'/", `'${site.origin}/`));
  assert.equal(await ran(program(sample).replaceAll('src = \'/', `src = '${site.origin}/`)), true);
  await assert.rejects(ran(program(sample.replace("// → 'cpu'", "// → 'gpu'"))), /the page says/);
  await Promise.all([browser.close(), site.close()]);
});

test('its lines for the Linux host are answered', { skip: noWebView() ?? noDesk() ?? false, timeout: 300_000 }, async () => {
  const views = await webViews();
  const view = await views.open(['--models', new URL('../../models/desk', import.meta.url).pathname]);
  await view.until(({ type }) => type === 'awake');
  const lines = blocks(page, 'json')[0].trim().split('\n');
  assert.equal(lines.length, 3);
  for (const [i, end] of [[0, 'ready'], [1, 'done'], [2, 'done']]) {
    view.line(lines[i]);
    assert.equal((await view.until((said) => said.id === i + 1 && ['ready', 'done', 'error'].includes(said.type))).type, end);
  }
  const [made, started] = blocks(page, 'sh')[0].trim().split('\n');
  assert.match(made, /^make -C apps\/webview-linux OUT=\S+\/$/);
  assert.deepEqual(started.split(' ').filter((word) => word.startsWith('--')), ['--www', '--pkg', '--models']);
  await views.close();
});
