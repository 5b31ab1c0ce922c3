// The prompts of the page's tasks are those that desk was trained on, and what the page says of its doubt is right.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { sureness } from '../../www/views/chat/sure.js';
import { EXAMPLES, TASKS } from '../../www/views/chat/tasks.js';

const CASES = readFileSync(new URL('../cases/desk_prompts.jsonl', import.meta.url), 'utf8').trim().split('\n').map((line) => JSON.parse(line));

for (const task of ['classify', 'extract', 'answer', 'summarise', 'filter']) {
  test(`${task}: the page's prompt is the one of training`, () => {
    const cases = CASES.filter((one) => one.task === task);
    assert.ok(cases.length >= 2, 'tools/desk_prompts.py writes at least two');
    for (const { part, text, prompt } of cases) {
      assert.equal(TASKS[task].prompt(part, text), prompt);
    }
    const { part, text, prompt } = cases[0];
    assert.notEqual(TASKS[task].prompt(part, `${text} more`), prompt);
  });
}

test('small talk is sent as it is written, without line breaks', () => {
  assert.equal(TASKS.chat.prompt('', ' Hello,\nyou '), 'Hello, you');
});

test('every task has an example, and every example a task', () => {
  const used = new Set(EXAMPLES.map(({ task }) => task));
  assert.deepEqual([...used].sort(), Object.keys(TASKS).sort());
  for (const { task, part, text } of EXAMPLES) {
    assert.equal(Boolean(part), Boolean(TASKS[task].part), 'the part is filled in where there is one');
    assert.ok(text.length > 10);
  }
});

test('sureness: mean and lowest probability, and its word', () => {
  const words = (...probabilities) => sureness(probabilities.map(Math.log)).word;
  const { mean, lowest } = sureness([Math.log(0.5), Math.log(0.98)]);
  assert.ok(Math.abs(mean - 0.7) < 1e-9 && Math.abs(lowest - 0.5) < 1e-9);
  assert.deepEqual([words(0.99, 0.9), words(0.99, 0.6), words(0.99, 0.3)], ['sure', 'fairly sure', 'in doubt']);
  assert.equal(sureness([]), undefined);
});
