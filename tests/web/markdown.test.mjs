// Markdown of models and strangers: nothing of it runs, nothing is fetched, no text takes the page with it; what grows looks like what is whole.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, missing, openPage } from './support/browser.mjs';
import { startServer } from './support/server.mjs';

const skip = missing() ?? false;
let server;
let browser;
let opened;
before(async () => {
  if (skip) return;
  server = await startServer();
  browser = await launch();
  opened = await openPage(browser, server.origin);
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Draws a text on the page, whole; what came of it. */
const draw = (text) =>
  opened.page.evaluate(async (text) => {
    const { MarkdownView } = await import('/lib/markdown.js');
    const element = document.createElement('div');
    document.body.append(element);
    const began = performance.now();
    new MarkdownView(element).update(text);
    const ms = performance.now() - began;
    const all = [...element.querySelectorAll('*')];
    const found = {
      ms,
      html: element.innerHTML,
      text: element.textContent,
      tags: [...new Set(all.map(({ localName }) => localName))].sort(),
      attributes: [...new Set(all.flatMap((one) => one.getAttributeNames()))].sort(),
      links: [...element.querySelectorAll('a')].map((link) => ({ href: link.getAttribute('href'), rel: link.rel, target: link.target })),
    };
    await new Promise((resolve) => setTimeout(resolve, 20)); // what would run has run
    element.remove();
    return { ...found, ran: globalThis.ran ?? false };
  }, text);

const HOSTILE = {
  'a script': '<script>ran = true</script>',
  'an event handler': '<img src=x onerror="ran = true">',
  'an event handler in a block': '\n\n<div onclick="ran=true" onmouseover=ran=true>x</div>\n\n',
  'a javascript link': '[x](javascript:ran=true) [y](JaVaScRiPt:ran=true) [z](&#106;avascript:ran=true) [t](java\tscript:ran=true)',
  'a javascript link by reference': '[x]\n\n[x]: javascript:ran=true',
  'an automatic javascript link': '<javascript:ran=true>',
  'a data link': '[x](data:text/html,<script>ran=true</script>) [y](data:image/svg+xml;base64,PHN2Zz4=)',
  'a vbscript and a file link': '[x](vbscript:ran) [y](file:///etc/passwd) [z](blob:https://a/b)',
  'a picture': '![x](https://example.com/x.png) ![y](//example.com/y.png) ![z](javascript:ran=true)',
  'nested HTML': '<div><svg><style><img src=x onerror=ran=true></style></svg></div>',
  'MathML and SVG': '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=ran=true&gt;">\n\n<svg onload=ran=true><a xlink:href="javascript:ran=true">x</a></svg>',
  'a form': '<form action=https://example.com><input name=x><button formaction=javascript:ran=true>x</button></form>',
  'clobbering names': '<a id=body name=scripted></a><img name=getElementById>\n\n# main\n\n[x](https://a.b "id=main")',
  'a frame and an object': '<iframe srcdoc="<script>parent.ran=true</script>"></iframe><object data=x></object><embed src=x>',
  'a style': '<style>body{display:none}</style><p style="position:fixed;inset:0">x</p>',
  'a base and a meta': '<base href=https://example.com><meta http-equiv=refresh content="0;url=https://example.com">',
  'a fence with a hostile language': '```"><img src=x onerror=ran=true>\nx\n```',
  'a table with a hostile cell': '| a |\n|:-:|\n| <img src=x onerror=ran=true> |',
  'a title that breaks out': '[x](https://a.b "\\"><img src=x onerror=ran=true>")',
  'comments and entities': '<!--><img src=x onerror=ran=true>--> &lt;script&gt;ran=true&lt;/script&gt; &#0; \u0000',
};
const TAGS = ['a', 'blockquote', 'br', 'button', 'code', 'div', 'em', 'h3', 'h4', 'h5', 'h6', 'hr', 'li', 'ol', 'p', 'pre', 's', 'span', 'strong', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul'];
const ATTRIBUTES = ['aria-label', 'class', 'dir', 'href', 'rel', 'role', 'start', 'tabindex', 'target', 'title', 'type'];

for (const [name, text] of Object.entries(HOSTILE)) {
  test(`${name} does nothing`, { skip }, async () => {
    const asked = opened.requests.length;
    const { tags, attributes, links, ran } = await draw(text);
    assert.equal(ran, false);
    assert.deepEqual(tags.filter((tag) => !TAGS.includes(tag)), []);
    assert.deepEqual(attributes.filter((one) => !ATTRIBUTES.includes(one)), []);
    for (const link of links) {
      assert.match(link.href, /^(https?:\/\/|mailto:)/);
      assert.deepEqual([link.rel, link.target], ['noopener noreferrer nofollow', '_blank']);
    }
    const fetched = opened.requests.slice(asked).filter((url) => !url.startsWith(`${server.origin}/lib/`) && !url.startsWith(`${server.origin}/vendor/`));
    assert.deepEqual(fetched, []);
    assert.deepEqual(opened.complaints, [], 'the page’s policy has nothing to refuse');
  });
}

test('links, pictures, tables, code and headings are what they should be', { skip }, async () => {
  const { html, links } = await draw(
    '# One\n\n[a](https://example.com/?q=1) <mailto:a@b.c> https://bare.example ![cat](https://example.com/cat.png)\n\n| l | r |\n|:--|--:|\n| 1 | 2 |\n\n```js\nlet a = "<b>";\n```\n\n> **b** *i* `c`\n\n3. three\n4. four\n',
  );
  assert.deepEqual(links.map(({ href }) => href), ['https://example.com/?q=1', 'mailto:a@b.c', 'https://bare.example', 'https://example.com/cat.png']);
  assert.match(html, /<h3 dir="auto">One<\/h3>/);
  assert.match(html, /Picture: cat<\/a>/);
  assert.match(html, /<td class="right" dir="auto">2<\/td>/);
  assert.match(html, /<span>js<\/span><button type="button" class="copy-code">Copy code<\/button>/);
  assert.match(html, /<code>let a = "&lt;b&gt;";\n<\/code>/);
  assert.match(html, /<ol start="3">/);
  assert.doesNotMatch(html, /<img/);
});

/** Texts that parsers have choked on; each takes a bounded time. */
const LONG = {
  'ten thousand nested quotes': '>'.repeat(10_000),
  'ten thousand nested quotes with blanks': '> '.repeat(10_000),
  'nested lists': Array.from({ length: 500 }, (_, i) => `${' '.repeat(2 * i)}- x`).join('\n'),
  'open brackets': '['.repeat(50_000),
  'open pictures': '!['.repeat(20_000),
  'stars': `${'*a '.repeat(20_000)}`,
  'stars and underscores': '*_'.repeat(20_000),
  'backticks of growing length': Array.from({ length: 300 }, (_, i) => '`'.repeat(i)).join('a'),
  'a very long line': 'word '.repeat(100_000),
  'a very long word': 'a'.repeat(300_000),
  'addresses': 'http://a.b '.repeat(10_000),
  'half addresses': 'http://'.repeat(10_000),
  'definitions': Array.from({ length: 5000 }, (_, i) => `[${i}]: https://a.b/${i}`).join('\n'),
  'many blocks': Array.from({ length: 5000 }, (_, i) => `p ${i}`).join('\n\n'),
  'a table of many cells': `|${'a|'.repeat(500)}\n|${'-|'.repeat(500)}\n${`|${'b|'.repeat(500)}\n`.repeat(60)}`,
  'angle brackets': '<'.repeat(50_000),
  'entities': '&amp;'.repeat(20_000),
};
for (const [name, text] of Object.entries(LONG)) {
  test(`${name}: in bounded time`, { skip }, async (t) => {
    const { ms, ran } = await draw(text);
    t.diagnostic(`${text.length} characters in ${ms.toFixed(0)} ms`);
    assert.ok(ms < 5000, `${ms} ms`);
    assert.equal(ran, false);
  });
}

const TEXT = `# Title

A paragraph with **bold**, [a link][ref] and \`code\`,
on two lines.

- one
- two
  - inner
    more

      far in
- three

1. a

   b
2. c

\`\`\`python
def f():
    """[ref]"""

    return "\`\`\`"[0]
\`\`\`

~~~
tilde
~~~

| a | b |
|---|---|
| 1 | 2 |

> quote
lazy

    indented

***

[ref]: https://example.com

Setext
======
The end: שלום *עולם*.`;

test('a text that comes in pieces looks like the whole one, and finished blocks are not touched again', { skip }, async () => {
  const { differing, touched } = await opened.page.evaluate(async (text) => {
    const { MarkdownView } = await import('/lib/markdown.js');
    const make = () => document.createElement('div');
    const whole = make();
    new MarkdownView(whole).update(text);
    const differing = [];
    let touched = 0;
    for (const step of [1, 2, 3, 7, 19, 64]) {
      const element = make();
      const view = new MarkdownView(element);
      const finished = new Map();
      for (let end = step; end < text.length; end += step) {
        view.update(text.slice(0, end), false);
        const blocks = [...element.children];
        for (const [i, block] of blocks.slice(0, -1).entries()) {
          if (finished.has(i) && finished.get(i) !== block.firstChild) touched += 1;
          finished.set(i, block.firstChild);
        }
      }
      view.update(text, true);
      // Which blocks share a box is nobody's business.
      const [pieces, at] = [element, whole].map((one) => [...one.children].map((box) => box.innerHTML).join(''));
      if (pieces === at) continue;
      const first = [...at].findIndex((letter, i) => letter !== pieces[i]);
      differing.push({ step, pieces: pieces.slice(Math.max(first - 40, 0), first + 80), whole: at.slice(Math.max(first - 40, 0), first + 80) });
    }
    return { differing, touched };
  }, TEXT);
  assert.deepEqual(differing, []);
  assert.equal(touched, 0);
});

test('what is shown anew is shown whole: a text that is replaced, and one that is shorter', { skip }, async () => {
  const texts = await opened.page.evaluate(async () => {
    const { MarkdownView } = await import('/lib/markdown.js');
    const element = document.createElement('div');
    const view = new MarkdownView(element);
    const shown = [];
    for (const [text, done] of [['one\n\ntwo\n\nthree', false], ['other\n\ntext', false], ['other', false], ['other', true], ['other and more', true], ['', true]]) {
      view.update(text, done);
      shown.push([...element.children].map(({ textContent }) => textContent).join('|'));
    }
    return shown;
  });
  assert.deepEqual(texts, ['one|two|three', 'other|text', 'other', 'other', 'other and more', '']);
});
