// The form of the project's own model: a button for each task, and plain fields for the parts of its prompt.

import { $, state } from './state.js';
import { EXAMPLES, TASKS } from './tasks.js';

let task = TASKS.chat;

/** Whether a model is desk, its smaller sibling, or was made from them. */
export function isDesk({ model, chat_template }) {
  return chat_template && /\bdesk\b/i.test(model);
}

for (const example of EXAMPLES) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = example.name;
  button.addEventListener('click', () => {
    if (!state.running) {
      choose(example, button);
      $('ask').requestSubmit();
    }
  });
  $('tasks').append(button);
}

/** Fills in an example. */
function choose(example, button) {
  for (const other of $('tasks').querySelectorAll('button')) {
    other.setAttribute('aria-pressed', String(other === button));
  }
  showTask(TASKS[example.task]);
  $('part').value = example.part;
  $('prompt').value = example.text;
}

function showTask(chosen) {
  task = chosen;
  $('part-field').hidden = !task.part;
  $('part-label').textContent = task.part ?? '';
  $('prompt-label').textContent = task.text;
}

/** Shows the form for the model that was just loaded: the fields of no task, so that free text can be written. */
export function showDesk() {
  $('tasks').querySelectorAll('button').forEach((button) => button.setAttribute('aria-pressed', 'false'));
  $('part-field').hidden = true;
  task = TASKS.chat;
  $('temperature').value = state.desk ? '0' : $('temperature').defaultValue; // a task has one right answer
  if (state.desk) {
    $('empty').textContent = 'Ready. Choose a task below: it fills in an example and runs it. Then change the words and send them again.';
  }
}

/** What the model gets for what is written in the fields. */
export function deskPrompt() {
  return task.prompt($('part').value, $('prompt').value);
}

/** Whether the fields stay filled, for another try with other words. */
export function keepsFields() {
  return task !== TASKS.chat;
}
