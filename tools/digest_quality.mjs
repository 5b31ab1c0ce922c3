// What a long document loses when only parts of it are sent: how often the pieces that are kept still hold the answer, on
// COVID-QA's articles, and how many words are left out.
//
//   cargo xtask pkg && node tools/digest_quality.mjs [--data DIR] [--model models/desk/desk.gguf] [--questions 100]
//
// Questions are drawn with seed 7, one an article as far as they go; intervals (95 %) are Wilson's.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { kept, piecesOf, ranked } from '../pkg/dist/act/digest.js';
import { nodeKinglet } from '../tests/web/support/node-engine.mjs';

const { values } = parseArgs({ options: { data: { type: 'string', default: '../shared/data/qa' }, model: { type: 'string', default: 'models/desk/desk.gguf' }, questions: { type: 'string', default: '100' } } });
const WORDS = [240, 480, 960];
const WAYS = ['words', 'model', 'both'];

let state = 7;
const random = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) / 2 ** 24;
const shuffled = (list) => list.map((item) => [random(), item]).toSorted(([a], [b]) => a - b).map(([, item]) => item);

const { data } = JSON.parse(readFileSync(join(values.data, 'covidqa_half.json'), 'utf8'));
const cases = [];
const articles = data.flatMap(({ paragraphs }) => paragraphs).map(({ context, qas }) => ({ context, qas: shuffled(qas) }));
for (let i = 0; cases.length < Number(values.questions) && i < 20; i += 1) {
  for (const { context, qas } of shuffled(articles)) {
    const qa = qas[i];
    if (qa !== undefined && cases.length < Number(values.questions)) cases.push({ context, question: qa.question, answer: qa.answers[0].text.trim() });
  }
}

function wilson(k, n, z = 1.959964) {
  const [p, d] = [k / n, 1 + z ** 2 / n];
  const [c, h] = [p + z ** 2 / (2 * n), z * Math.sqrt((p * (1 - p)) / n + z ** 2 / (4 * n ** 2))];
  return `${((100 * k) / n).toFixed(1)} (${((100 * (c - h)) / d).toFixed(1)} to ${((100 * (c + h)) / d).toFixed(1)})`;
}

const { kinglet, close } = await nodeKinglet(values.model);
const { link } = kinglet.chat.completions;
const plain = (text) => text.replaceAll(/\s+/g, ' ');
console.log(`${cases.length} questions of ${new Set(cases.map(({ context }) => context)).size} articles; words of an article: ${Math.round(cases.reduce((sum, { context }) => sum + context.split(/\s+/).length, 0) / cases.length)} on average`);
console.log('| words kept | by words | by the model | by both | left out |\n| ---: | --- | --- | --- | ---: |');
const read = [];
for (const { context, question, answer } of cases) {
  const pieces = piecesOf(context);
  const orders = {};
  for (const by of WAYS) orders[by] = await ranked(link, question, pieces, by, undefined);
  read.push({ pieces, orders, answer: plain(answer), whole: pieces.join(' ').split(/\s+/).length });
}
for (const words of WORDS) {
  let [all, sent] = [0, 0];
  const row = WAYS.map((by) => {
    const texts = read.map(({ pieces, orders }) => kept(pieces, orders[by], words).text);
    all += read.reduce((sum, { whole }) => sum + whole, 0);
    sent += texts.reduce((sum, text) => sum + text.split(/\s+/).length, 0);
    return wilson(texts.filter((text, i) => plain(text).includes(read[i].answer)).length, read.length);
  });
  console.log(`| ${words} | ${row.join(' | ')} | ${(100 * (1 - sent / all)).toFixed(1)} % |`);
}
close();
