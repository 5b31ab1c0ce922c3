// In Chromium: an index of documents and feedback outlive the page, a damaged index is made again, and a task's answer is the
// one that Node's engine gives.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, missing, openPage } from './support/browser.mjs';
import { DESK, DESK_NANO, deskServer, noDesk } from './support/desk.mjs';
import { nodeKinglet } from './support/node-engine.mjs';
import { fileModel } from './support/server.mjs';

const skip = missing() ?? noDesk() ?? false;
const DOCUMENTS = [
  { id: 'refunds', text: 'A refund takes five working days.' },
  { id: 'hours', text: 'We open at nine on weekdays.' },
];
const LABELS = ['late parcel', 'refund', 'change address', 'forgotten password'];
const TEXTS = ['Where is my parcel?', 'I want my money back.', 'I have moved, please note my new street.', 'The kettle broke.'];
/** How far shares may be apart: both are the same Wasm, relaxed SIMD rounds alike. */
const TOLERANCE = 1e-4;
/** The processor rounds activations to 8 bits, the GPU does not: 0.01 as measured. */
const GPU_TOLERANCE = 0.03;

let server;
let browser;
before(async () => {
  if (skip) return;
  server = await deskServer();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Runs `work(kinglet, argument)` on the page, with desk loaded on the processor. */
function onPage(page, work, argument) {
  return page.evaluate(`(async () => {
    const { createKinglet } = await import('/pkg/dist/index.js');
    const kinglet = await createKinglet({ model: '/models/desk.gguf', backend: 'cpu' });
    try {
      return await (${work})(kinglet, ${JSON.stringify(argument)});
    } finally {
      kinglet.dispose();
    }
  })()`);
}

/** Changes a record of the page's database. */
const change = (page, key, value) =>
  page.evaluate(
    ([key, value]) =>
      new Promise((resolve, reject) => {
        const open = indexedDB.open('kinglet-data');
        open.onsuccess = () => {
          const transaction = open.result.transaction('records', 'readwrite');
          transaction.objectStore('records').put(value, key);
          transaction.oncomplete = () => (open.result.close(), resolve());
          transaction.onabort = () => reject(transaction.error);
        };
      }),
    [key, value],
  );

test('documents and feedback outlive the page; what is damaged is made again, or left out', { skip }, async () => {
  const { page, close } = await openPage(browser, server.origin);
  const first = await onPage(
    page,
    async (kinglet, documents) => {
      const index = await kinglet.createIndex();
      await index.add(documents);
      const { kinglet: report } = await kinglet.classify('Where is my parcel?', ['late parcel', 'refund']);
      await kinglet.feedback(report.id, { ok: true });
      const status = index.status();
      await index.close();
      return status;
    },
    DOCUMENTS,
  );
  assert.deepEqual(first, { documents: 2, chunks: 2, kept: 'indexeddb', opened: 'new', damaged: 0 });
  const again = async () => {
    await page.reload();
    return onPage(page, async (kinglet) => {
      const index = await kinglet.createIndex();
      const { hits } = await index.search('How long does a refund take?');
      const status = index.status();
      await index.close();
      const rows = await (await kinglet.collected()).rows();
      return { status, first: hits[0]?.id, labelled: rows.length };
    });
  };
  const stored = await again();
  assert.deepEqual([stored.status.opened, stored.first, stored.labelled], ['stored', 'refunds', 1]);
  await change(page, ['index documents', 'words'], { revision: 'x', text: '{' });
  const rebuilt = await again();
  assert.deepEqual([rebuilt.status.opened, rebuilt.status.documents, rebuilt.first], ['rebuilt', 2, 'refunds']);
  assert.equal((await again()).status.opened, 'stored', 'and is kept again');
  await change(page, ['index documents', 'dhours'], { schema: 1, document: { id: 'other', text: 'a' } });
  const without = await again();
  assert.deepEqual([without.status.documents, without.status.damaged, without.first], [1, 1, 'refunds']);
  assert.equal((await again()).status.damaged, 0, 'it is gone');
  await close();
});

/** Runs `work(DocumentIndex, argument)` on the page, without an engine; what it throws comes back as its code. */
const withIndex = (page, work, argument) =>
  page.evaluate(`(async () => {
    const { DocumentIndex } = await import('/pkg/dist/retrieval/documents.js');
    try {
      return await (${work})(DocumentIndex, ${JSON.stringify(argument)});
    } catch (thrown) {
      return thrown.code ?? String(thrown);
    }
  })()`);

test('an index that is kept: a crash within a change, two tabs at once, no room, a newer version', { skip }, async () => {
  const { page, close } = await openPage(browser, server.origin);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize: 3_000_000 });
  const other = await page.context().newPage();
  await other.goto(server.origin);
  const status = async (page) =>
    withIndex(page, async (DocumentIndex) => {
      const index = await DocumentIndex.open({ store: 'indexeddb' });
      const { hits } = await index.search('kettle');
      const { documents, damaged } = index.status();
      await index.close();
      return { documents, damaged, hits: hits.length };
    });
  // The page goes while documents are being written: all of them are there afterwards, or none.
  const many = Array.from({ length: 300 }, (_, i) => ({ id: `many ${i}`, text: `A kettle of number ${i}. `.repeat(20) }));
  const begin = async (DocumentIndex, many) => {
    const index = await DocumentIndex.open({ store: 'indexeddb' });
    await index.add({ id: 'before', text: 'A kettle boils.' });
    void index.add(many);
  };
  await withIndex(page, begin, many);
  await page.reload();
  await page.locator('body[data-ready]').waitFor();
  const crashed = await status(page);
  assert.ok([1, 301].includes(crashed.documents) && crashed.damaged === 0 && crashed.hits === Math.min(5, crashed.documents), JSON.stringify(crashed));
  // Two tabs that both hold it write at once, one document both of them: none is lost.
  const write = async (DocumentIndex, tab) => {
    const index = await DocumentIndex.open({ store: 'indexeddb' });
    await Promise.all(Array.from({ length: 20 }, (_, i) => index.add([{ id: `${tab} ${i}`, text: `A kettle of ${tab}.` }, { id: 'both', text: `Written by ${tab}.` }])));
    await index.close();
  };
  await withIndex(page, async (DocumentIndex) => (await DocumentIndex.open({ store: 'indexeddb' })).clear());
  await Promise.all([withIndex(page, write, 'one'), withIndex(other, write, 'two')]);
  const shared = await status(other);
  assert.deepEqual([shared.documents, shared.damaged, shared.hits], [41, 0, 5]);
  // No more room: what does not fit is refused whole, what was there is found, and there is a way out.
  const full = await withIndex(page, async (DocumentIndex) => {
    const index = await DocumentIndex.open({ store: 'indexeddb' });
    const large = Array.from({ length: 40 }, (_, i) => ({ id: `large ${i}`, text: Array.from({ length: 9000 }, () => Math.random().toString(36)).join(' ') }));
    const code = await index.add(large).then(() => 'added', (thrown) => thrown.code);
    const [{ documents }, { hits }] = [index.status(), await index.search('kettle')];
    await index.close();
    return { code, documents, hits: hits.length };
  });
  assert.deepEqual(full, { code: 'quota_exceeded', documents: 41, hits: 5 });
  const after = await withIndex(page, async (DocumentIndex) => {
    const index = await DocumentIndex.open({ store: 'indexeddb' });
    await index.remove('one 0');
    await index.close();
    return index.status().documents;
  });
  assert.equal(after, 40);
  // What a newer version has written is neither read nor removed.
  await change(page, ['index documents', 'dnewer'], { schema: 99, document: {} });
  assert.equal(await withIndex(page, (DocumentIndex) => DocumentIndex.open({ store: 'indexeddb' })), 'store_newer');
  await change(page, ['index documents', 'dnewer'], { schema: 1, document: { id: 'newer', text: 'A kettle.', title: 7 } });
  assert.deepEqual(await status(page), { documents: 40, damaged: 1, hits: 5 });
  await close();
});

test('labels in Chromium are those in Node', { skip }, async () => {
  const { page, close } = await openPage(browser, server.origin);
  const ask = async (kinglet, [texts, labels]) => {
    const answers = [];
    for (const text of texts) answers.push((await kinglet.classify(text, labels, { none: true })).kinglet.signals);
    return answers;
  };
  const there = await onPage(page, ask, [TEXTS, LABELS]);
  const { kinglet, close: end } = await nodeKinglet(DESK);
  const here = await ask(kinglet, [TEXTS, LABELS]);
  for (const [i, signals] of there.entries()) {
    for (const name of ['label_max', 'label_margin', 'label_mass', 'label_none']) {
      assert.ok(Math.abs(signals[name] - here[i][name]) < TOLERANCE, `${TEXTS[i]}: ${name} ${signals[name]} ${here[i][name]}`);
    }
  }
  assert.ok(Math.abs(here[0].label_max - here[1].label_max) > TOLERANCE, 'answers that differ would be noticed');
  end();
  await close();
});

test('every task call on WebGPU answers as on the processor', { skip, timeout: 600_000 }, async () => {
  server.models.set('desk-nano.gguf', fileModel(DESK_NANO));
  const { page, close } = await openPage(browser, server.origin);
  const asked = (backend) =>
    page.evaluate(async (backend) => {
      const { createKinglet } = await import('/pkg/dist/index.js');
      const kinglet = await createKinglet({ model: '/models/desk-nano.gguf', backend, context: 256, cacheType: 'f32' });
      const labels = ['late parcel', 'refund', 'change address'];
      const examples = [['Where is my parcel?', 'late parcel'], ['My delivery is late.', 'late parcel'], ['I want my money back.', 'refund'], ['Please pay it back.', 'refund']].map(([text, label]) => ({ text, label }));
      const classified = await kinglet.classify('My parcel never came.', labels, { none: true });
      const byHead = await kinglet.classify('The parcel is still not here.', ['late parcel', 'refund'], { examples });
      const extracted = await kinglet.extract('Ann Li, order 48213.', ['name', 'order number'], { maxTokens: 40 });
      const answered = await kinglet.answer('How long does a refund take?', 'A refund takes five working days.', { maxTokens: 12 });
      const summarised = await kinglet.summarise('I bought a kettle. After two weeks it stopped working.', { maxTokens: 12 });
      const filtered = await kinglet.filter('You have won a free phone! Click the link now.');
      const { info } = kinglet;
      kinglet.dispose();
      const scores = [...classified.scores, ...byHead.scores].toSorted((a, b) => (a.label < b.label ? -1 : 1)).map(({ score }) => score);
      return {
        backend: info.backend,
        said: [classified.label, byHead.label, extracted.value, extracted.found, answered.answer, answered.quotes, summarised.summary, filtered.verdict],
        numbers: [...scores, filtered.risk.pass, filtered.risk.hold, ...[classified, byHead, extracted, answered, summarised, filtered].flatMap(({ kinglet: { signals } }) => [signals.label_max, signals.head_max, signals.mean_logprob, signals.quote_ok, signals.parse_ok].map(Number))],
      };
    }, backend);
  const [gpu, cpu] = [await asked('gpu'), await asked('cpu')];
  assert.deepEqual([gpu.backend, cpu.backend], ['gpu', 'cpu']);
  assert.deepEqual(gpu.said, cpu.said);
  const apart = gpu.numbers.map((x, i) => Math.abs(x - cpu.numbers[i]));
  assert.ok(gpu.numbers.length > 30 && apart.every((x) => x < GPU_TOLERANCE), `${Math.max(...apart)}`);
  assert.ok(apart.some((x) => x > 0), 'the GPU rounds otherwise: these are two computations');
  await close();
});
