// The index of documents: pieces, words, fusion, what it keeps and how it is opened again, with a stand-in for embeddings; and
// answers from it with the real engine. That it outlives a page: retrieval-page.test.mjs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { KingletError } from '../../pkg/dist/errors.js';
import { openIndex } from '../../pkg/dist/index.js';
import { chunksOf, sentences } from '../../pkg/dist/retrieval/chunks.js';
import { DocumentIndex } from '../../pkg/dist/retrieval/documents.js';
import { fuse } from '../../pkg/dist/retrieval/fuse.js';
import { stem, termsOf, Words } from '../../pkg/dist/retrieval/words.js';
import { DESK, noDesk } from './support/desk.mjs';
import { nodeKinglet } from './support/node-engine.mjs';

const skip = noDesk() ?? false;
const refused = (work, param) => assert.rejects(async () => work(), (e) => e.code === 'invalid_request' && e.detail.param === param);

/** Letters as vectors: texts with the same letters are near each other. */
const letters = {
  asked: [],
  model: () => 'letters',
  embed: async (texts) => {
    letters.asked.push(texts.length);
    return texts.map((text) => {
      const counts = new Float32Array(26);
      for (const letter of text.toLowerCase()) if (letter >= 'a' && letter <= 'z') counts[letter.charCodeAt(0) - 97] += 1;
      const length = Math.hypot(...counts) || 1;
      return counts.map((x) => x / length);
    });
  },
};
const open = (options = {}) => DocumentIndex.open({ store: 'memory', ...options }, letters);
const DOCUMENTS = [
  { id: 'refunds', title: 'Refunds', text: 'A refund takes five working days. It goes back to the card that you paid with.' },
  { id: 'hours', text: 'We open at nine on weekdays, and at ten on Saturdays.' },
  { id: 'parcels', text: 'A parcel that is late can be traced. Write to us with the number of your order.' },
];
const ids = ({ hits }) => hits.map(({ id }) => id);

test('an index by words is opened without a model; vectors are a model’s', async () => {
  const index = await openIndex({ store: 'memory' });
  await index.add(DOCUMENTS);
  assert.deepEqual(ids(await index.search('late parcel', { k: 1 })), ['parcels']);
  await refused(() => index.search('late parcel', { by: 'vectors' }), 'options.by');
  await index.close();
  await refused(() => openIndex({ vectors: true }), 'options.vectors');
  await refused(() => openIndex({ nmae: 'a' }), 'options.nmae');
});

test('scripts that write without blanks are found by pairs of signs, within sentences and beside other words', async () => {
  assert.deepEqual(termsOf('営業時間は9時です'), ['営業', '業時', '時間', '間は', '9', '時て', 'てす']); // without marks, as all words
  assert.deepEqual(termsOf('Tokyo東京 a'), ['tokyo', '東京', 'a']);
  const index = await openIndex({ store: 'memory' });
  await index.add([
    { id: 'hours', text: '当店の営業時間は午前九時からです。' },
    { id: 'refunds', text: '返金には五営業日かかります。' },
    { id: 'thai', text: 'ร้านเปิดเก้าโมงเช้า' },
  ]);
  const first = async (query) => ids(await index.search(query))[0];
  assert.deepEqual([await first('営業時間'), await first('返金'), await first('เปิด')], ['hours', 'refunds', 'thai']);
  assert.deepEqual(ids(await index.search('天気')), []);
  await index.close();
});

test('sentences end with their mark, not with an abbreviation or within a number', () => {
  const said = (text) => sentences(text).map(({ start, end }) => text.slice(start, end).trim());
  assert.deepEqual(said('It is late. Is it? "Yes!" It costs 3.50, e.g. by card. Dr. Li knows.'), ['It is late.', 'Is it?', '"Yes!"', 'It costs 3.50, e.g. by card.', 'Dr. Li knows.']);
  assert.deepEqual(said('Opening hours\n\nNine to five\n- on Mondays\n- on Fridays'), ['Opening hours', 'Nine to five', '- on Mondays', '- on Fridays']);
  assert.deepEqual(said('ここです。そこです。'), ['ここです。', 'そこです。']);
  assert.deepEqual([said(''), said(' \n ')], [[], []]);
});

test('marks without an end take no longer than other text', { timeout: 60_000 }, () => {
  const dots = '.'.repeat(400_000); // tried from each dot anew, this took 7 minutes
  assert.deepEqual(sentences(`${dots}a`), [{ start: 0, end: 400_001 }]);
  assert.equal(sentences(`${dots} a`).length, 2);
});

test('pieces are whole sentences, lose nothing, and know where they stand', () => {
  const text = Array.from({ length: 40 }, (_, i) => `Sentence number ${i} has some words.`).join(' ');
  const chunks = chunksOf(text, 30);
  assert.equal(chunks.length, 8);
  for (const { text: said, start, end } of chunks) {
    assert.equal(text.slice(start, end), said);
    assert.ok(said.split(' ').length <= 30 && said.endsWith('.'), said);
  }
  assert.equal(chunks.map(({ text }) => text).join(' '), text);
  const long = Array.from({ length: 100 }, (_, i) => `w${i}`).join(' ');
  assert.deepEqual(chunksOf(long, 40).map(({ text }) => text.split(' ').length), [40, 40, 20]);
  const endless = chunksOf(`${'x'.repeat(1000)}${'𝔘'.repeat(100)}`, 10);
  assert.deepEqual(endless.map(({ text }) => [...text].length), [640, 460], 'what is no word is cut, between characters');
  assert.ok(endless.every(({ text }) => text.isWellFormed()));
});

test('plurals are found by their singular, and words that only look like one stay as they are', () => {
  assert.deepEqual(['refunds', 'cities', 'dishes', 'glass', 'bus', 'is', 'days', "größen"].map(stem), ['refund', 'city', 'dishe', 'glass', 'bus', 'is', 'day', 'größen']);
});

test('the fusion of orders puts first what stands high in all of them', () => {
  const order = (...ids) => ids.map((id) => ({ id }));
  assert.deepEqual(fuse([order('a', 'b', 'c'), order('b', 'c', 'a')]).map(({ id }) => id), ['b', 'a', 'c']);
  assert.equal(fuse([order('a'), order('a')])[0].score, 1);
  assert.equal(fuse([order('a'), order('b')])[0].id, 'a', 'of equals the first by name');
  assert.deepEqual(fuse([[], []]), []);
});

test('documents are found by words, replaced, and removed', async () => {
  const index = await open();
  await index.add(DOCUMENTS);
  assert.deepEqual(index.status(), { documents: 3, chunks: 3, kept: 'memory', opened: 'new', damaged: 0 });
  const found = await index.search('How many days does a REFUND take?');
  assert.equal(found.hits[0].id, 'refunds');
  assert.equal(found.hits[0].text, DOCUMENTS[0].text);
  assert.ok(found.signals.retrieval_top > 0 && found.signals.retrieval_margin > 0 && found.signals.retrieval_margin <= 1);
  assert.deepEqual(await index.search('xylophone'), { hits: [], signals: {} });
  await index.add({ id: 'refunds', text: 'There are no such things here.' });
  assert.equal(index.status().documents, 3);
  assert.notEqual(ids(await index.search('refund'))[0], 'refunds');
  await index.remove(['hours', 'nothing']);
  assert.deepEqual(ids(await index.search('nine weekdays Saturdays')), []);
  await index.clear();
  assert.equal(index.status().documents, 0);
  assert.deepEqual(ids(await index.search('parcel')), []);
  await index.close();
  await assert.rejects(index.search('parcel'), (e) => e.code === 'not_loaded');
});

test('an index grown by single documents finds the same as one made at once', async () => {
  const [grown, whole] = [await open(), await open()];
  for (const document of [...DOCUMENTS, { id: 'hours', text: 'Something else.' }, DOCUMENTS[1]]) await grown.add(document);
  await grown.remove('parcels');
  await grown.add(DOCUMENTS[2]);
  await whole.add(DOCUMENTS);
  for (const query of ['refund card', 'open on weekdays', 'late parcel order', 'the']) {
    const [a, b] = [await grown.search(query), await whole.search(query)];
    assert.deepEqual(ids(a), ids(b), query);
  }
});

test('by vectors, and by both: what each finds, and that a change of one document embeds only that', async () => {
  const index = await open({ vectors: true });
  await index.add(DOCUMENTS);
  letters.asked.length = 0;
  await index.add({ id: 'zebra', text: 'zzzz zzzz' });
  assert.deepEqual(letters.asked, [1]);
  assert.equal(ids(await index.search('zz', { by: 'vectors' }))[0], 'zebra');
  assert.deepEqual(ids(await index.search('zz', { by: 'words' })), []);
  const both = await index.search('refund zzzz', { k: 2 });
  assert.deepEqual(ids(both).toSorted(), ['refunds', 'zebra']);
  assert.ok(both.hits[0].score <= 1);
  const { signals } = await index.search('zzz', { by: 'vectors' });
  assert.ok(Math.abs(signals.retrieval_top - 1) < 1e-6);
});

test('a document that goes while its query is embedded is not found', async () => {
  const index = await open({ vectors: true });
  await index.add(DOCUMENTS);
  const [first] = ids(await index.search('refund'));
  const search = index.search('refund'); // by both
  const gone = index.remove(first);
  const found = ids(await search);
  await gone;
  assert.ok(!found.includes(first) && found.length > 0, found.join());
  const late = index.search('refund');
  const closed = index.close();
  await assert.rejects(late, { code: 'not_loaded' });
  await closed;
});

test('hostile documents: strange ids and texts are found like others, what is no text is refused, nothing stays half-way', async () => {
  const index = await open({ vectors: true });
  const strange = ['__proto__', 'constructor', 'words', 'toString 0', 'a b 1', '\ud800', '0', '\u0000'];
  await index.add(strange.map((id, i) => ({ id, text: `Kettle \udfff number${i} __proto__ constructor`, title: id.trim() === '' ? 'x' : id })));
  for (const [i, id] of strange.entries()) {
    assert.equal(ids(await index.search(`number${i}`, { by: 'words' }))[0], id, JSON.stringify(id));
    await index.add({ id, text: `Kettle number${i}, again` });
  }
  assert.equal(index.status().documents, strange.length);
  assert.equal(ids(await index.search('proto', { by: 'words' })).length, 0, 'replaced');
  const long = `${'Kettle. '.repeat(400_000)}`;
  for (const [document, param] of [
    [{ id: 'a', text: '' }, 'document.text'],
    [{ id: 'a', text: ' \n' }, 'document.text'],
    [{ id: 'a', text: 'x'.repeat(10_000_000) }, 'document.text'],
    [{ id: '', text: 'a' }, 'document.id'],
    [{ id: 7, text: 'a' }, 'document.id'],
    [[{ id: 'new', text: 'a' }, { id: 'new', text: 'b' }], 'documents[1].id'],
    [[{ id: 'new', text: 'a' }, null], 'documents[1]'],
    [JSON.parse('{"id": "a", "text": "b", "__proto__": 1}'), 'document.__proto__'],
  ]) {
    await refused(() => index.add(document), param);
  }
  await assert.rejects(index.add([{ id: 'new', text: 'a' }, { id: 'large', text: long }], { signal: AbortSignal.abort() }), { code: 'aborted' });
  assert.equal(index.status().documents, strange.length, 'nothing of what was refused');
  await index.remove(strange);
  assert.deepEqual([index.status().documents, ids(await index.search('kettle', { by: 'words' }))], [0, []]);
});

test('a long document is cut in seconds; what the model does not hold is embedded by its beginning', { timeout: 60_000 }, async () => {
  const asked = [];
  const narrow = {
    model: () => 'narrow',
    embed: async (texts) => {
      asked.push(texts.map((text) => text.length));
      if (texts.some((text) => text.length > 100)) throw new KingletError('context_overflow', 'too long', { needed: 200, available: 100 });
      return texts.map((text) => Float32Array.of(1, text.length / 100));
    },
  };
  const index = await DocumentIndex.open({ store: 'memory', vectors: true, chunkWords: 10 }, narrow);
  await index.add([{ id: 'short', text: 'A kettle.' }, { id: 'long', text: 'x'.repeat(300) }]);
  assert.deepEqual(asked, [[9, 300], [9], [300], [150], [75]]);
  assert.deepEqual(ids(await index.search('y'.repeat(150), { by: 'vectors' })).toSorted(), ['long', 'short']);
  const plain = await open();
  await plain.add({ id: 'book', text: 'The kettle boils again. '.repeat(160_000) });
  assert.ok(plain.status().chunks > 5000);
  assert.equal(ids(await plain.search('kettle', { k: 1 }))[0], 'book');
});

test('wrong arguments are named', async () => {
  await refused(() => open({ vector: true }), 'options.vector');
  await refused(() => open({ chunkWords: 0 }), 'options.chunkWords');
  await refused(() => open({ store: 'opfs' }), 'options.store');
  const index = await open();
  await refused(() => index.add({ id: 'a' }), 'document.text');
  await refused(() => index.add([{ id: 'a', text: 'b' }, { id: 'a', text: 'c' }]), 'documents[1].id');
  await refused(() => index.add([{ id: 'a', text: 'b', url: 'c' }]), 'documents[0].url');
  await refused(() => index.search(''), 'query');
  await refused(() => index.search('a', { by: 'vectors' }), 'options.by');
  await refused(() => index.search('a', { top: 3 }), 'options.top');
  assert.equal(index.status().documents, 0, 'nothing of what was wrong is there');
});

test('a stored words\' index is read again; a damaged one is none', () => {
  const words = Words.empty();
  words.add({ id: 'a 0', text: 'a late parcel', title: '' });
  assert.deepEqual(Words.load(words.toText(), ['a 0']).search('parcels'), words.search('parcels'));
  assert.equal(Words.load(words.toText(), ['b 0']), undefined, 'of another document');
  for (const text of ['', '{}', '[]', 'null', words.toText().slice(0, -9), words.toText().replace('"serializationVersion":2', '"serializationVersion":99')]) {
    assert.equal(Words.load(text, ['a 0']), undefined, text.slice(0, 40));
  }
});

let desk;
let close;
before(async () => {
  if (!skip) ({ kinglet: desk, close } = await nodeKinglet(DESK));
});
after(() => close?.());

test('an answer from an index: its passages, and how well they fit', { skip }, async () => {
  const index = await desk.createIndex({ store: 'memory' });
  await index.add(DOCUMENTS);
  const { answer, passages, quotes, kinglet } = await desk.answer('How long does a refund take?', index, { k: 1 });
  assert.match(answer, /five working days/i);
  assert.deepEqual(passages.map(({ id }) => id), ['refunds']);
  assert.equal(quotes[0].passage, 0);
  assert.ok(kinglet.signals.retrieval_top > 0 && kinglet.signals.retrieval_margin > 0 && kinglet.signals.quote_ok);
  const none = await desk.answer('xylophone?', index);
  assert.deepEqual([none.answer, none.passages, none.kinglet.signals.retrieval_top, none.kinglet.signals.origin], [null, [], 0, 'none']);
  assert.equal(none.kinglet.usage.total_tokens, 0, 'the model was not asked about nothing');
});

test('the engine\'s own embeddings', { skip }, async () => {
  const index = await desk.createIndex({ store: 'memory', vectors: true });
  await index.add(DOCUMENTS);
  const { hits, signals } = await index.search(DOCUMENTS[2].text, { by: 'vectors' });
  assert.equal(hits[0].id, 'parcels');
  assert.ok(Math.abs(signals.retrieval_top - 1) < 1e-5 && signals.retrieval_margin > 0);
});
