// How often the index of documents finds what holds the answer: recall at 1, 3 and 5 by words, by the model's embeddings, and
// by both, on COVID-QA (pieces of articles) and on pairs of questions that mean the same.
//
//   cargo xtask pkg && node tools/retrieval_recall.mjs [models/desk/desk.gguf [words]]        words: without embeddings, in seconds
//
// Intervals (95 %) are of 2,000 bootstrap draws, of articles where there are some (questions of one article are alike), else of questions.
import { readFileSync } from 'node:fs';
import { nodeKinglet } from '../tests/web/support/node-engine.mjs';

const [model = 'models/desk/desk.gguf', only] = process.argv.slice(2);
const ways = only === 'words' ? ['words'] : ['words', 'vectors', 'hybrid'];
const KS = [1, 3, 5];
const RESAMPLES = 2000;
const read = (path) => readFileSync(new URL(`../../shared/data/qa/${path}`, import.meta.url), 'utf8');

/** Lists by key. */
function groupBy(items, key) {
  const groups = new Map();
  items.forEach((item) => groups.set(key(item), [...(groups.get(key(item)) ?? []), item]));
  return groups;
}

/** `recall (low to high)` in per cent of cases `{group, hit}`. */
function recall(cases) {
  const groups = [...groupBy(cases, ({ group }) => group).values()].map((list) => [list.filter(({ hit }) => hit).length, list.length]);
  const share = (list) => (100 * list.reduce((sum, [k]) => sum + k, 0)) / list.reduce((sum, [, n]) => sum + n, 0);
  let state = 20n;
  const random = () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & ((1n << 64n) - 1n);
    return Number(state >> 33n) / 2 ** 31;
  };
  const draws = Array.from({ length: RESAMPLES }, () => share(groups.map(() => groups[Math.floor(random() * groups.length)]))).toSorted((a, b) => a - b);
  const at = (q) => draws[Math.round(q * (RESAMPLES - 1))].toFixed(1);
  return `${share(groups).toFixed(1)} (${at(0.025)} to ${at(0.975)})`;
}

/** Articles, and for each question the places of its answers. */
function articles() {
  const { data } = JSON.parse(read('covidqa_half.json'));
  const documents = [];
  const questions = [];
  for (const [i, { paragraphs }] of data.entries()) {
    for (const [j, { context, qas }] of paragraphs.entries()) {
      const id = `${i}-${j}`;
      documents.push({ id, text: context });
      for (const { question, answers } of qas) {
        const places = answers.map(({ answer_start, text }) => [answer_start, answer_start + text.length]);
        questions.push({ question, group: id, right: (hit) => hit.id === id && places.some(([start, end]) => start < hit.end && end > hit.start) });
      }
    }
  }
  return { documents, questions };
}

/** Questions as documents; each is to find the one that means the same. */
function pairs() {
  const rows = read('covid_question_similarity_en.csv').trim().split('\n').slice(1).map((line) => [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].slice(0, 3).map(([, cell]) => cell.replace(/^"|"$/g, '').replaceAll('""', '"').trim()));
  const ids = new Map();
  rows.forEach(([, second]) => ids.has(second) || ids.set(second, `q${ids.size}`));
  const same = groupBy(rows.filter(([first, second, similar]) => similar === '1' && first !== second), ([first]) => first);
  const questions = [...same].map(([question, list]) => ({ question, group: question, right: (hit) => list.some(([, second]) => ids.get(second) === hit.id) }));
  return { documents: [...ids].map(([text, id]) => ({ id, text })), questions };
}

const { kinglet, close } = await nodeKinglet(model);
for (const [name, { documents, questions }] of [['questions that mean the same', pairs()], ['COVID-QA, pieces of articles', articles()]]) {
  const index = await kinglet.createIndex({ store: 'memory', vectors: ways.length > 1 });
  const begun = performance.now();
  await index.add(documents);
  const { chunks } = index.status();
  console.log(`${name}: ${questions.length} questions, ${documents.length} documents, ${chunks} pieces, indexed in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  for (const by of ways) {
    const found = [];
    for (const { question, group, right } of questions) {
      const { hits } = await index.search(question, { by, k: Math.max(...KS) });
      found.push({ group, rank: hits.findIndex(right) });
    }
    const cells = KS.map((k) => `@${k} ${recall(found.map(({ group, rank }) => ({ group, hit: rank >= 0 && rank < k })))}`);
    console.log(`  ${by.padEnd(8)} ${cells.join('   ')}`);
  }
  await index.close();
}
close();
