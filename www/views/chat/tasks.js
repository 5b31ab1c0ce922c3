// The tasks of desk, the project's own model, and how their prompts are written: as models/desk/data/row.py writes them
// for training. tests/cases/desk_prompts.jsonl holds both to the same lines.

/** White space to single blanks: a prompt has one line for each part. */
const oneLine = (text) => text.trim().split(/\s+/).join(' ');

const list = (text) => text.split(',').map(oneLine).filter(Boolean).join(', ');

/**
 * The tasks. `part`: the label of the field beside the text, where there is one; `text`: the label of the text;
 * `prompt(part, text)`: what the model gets as the one message of the user.
 */
export const TASKS = {
  classify: {
    part: 'Labels, separated by commas',
    text: 'Message',
    prompt: (labels, message) => `classify: ${list(labels)}\nmessage: ${oneLine(message)}`,
  },
  extract: {
    part: 'Fields, separated by commas',
    text: 'Message',
    prompt: (fields, message) => `extract: ${list(fields)}\nmessage: ${oneLine(message)}`,
  },
  answer: {
    part: 'Question',
    text: 'Passage that may hold the answer',
    prompt: (question, passage) => `answer: ${oneLine(question)}\npassage: ${oneLine(passage)}`,
  },
  summarise: { text: 'Message', prompt: (_, message) => `summarise\nmessage: ${oneLine(message)}` },
  filter: { text: 'Message', prompt: (_, message) => `filter\nmessage: ${oneLine(message)}` },
  chat: { text: 'Message', prompt: (_, message) => oneLine(message) },
};

/** One example each: what its button says, the task, what goes into the fields. */
export const EXAMPLES = [
  {
    name: 'Classify',
    task: 'classify',
    part: 'where is my order, refund, change address, forgotten password, none of these',
    text: 'My parcel should have come on Monday and it is still not here. Can you find out where it is?',
  },
  {
    name: 'Extract',
    task: 'extract',
    part: 'order number, name, city',
    text: 'Hello, this is Ann Li from Leeds. The lamp of my order 48213 arrived broken.',
  },
  {
    name: 'Answer',
    task: 'answer',
    part: 'How long does a refund take?',
    text: 'Refunds go back to the card that you paid with. A refund takes five working days. Shipping costs are not refunded.',
  },
  {
    name: 'Summarise',
    task: 'summarise',
    part: '',
    text: 'Hello, I bought a kettle from you. After two weeks it stopped working. I would like a new one, please. Thank you and have a nice day.',
  },
  {
    name: 'Filter',
    task: 'filter',
    part: '',
    text: 'You have won a free phone! Click the link now and enter your card number to claim your prize.',
  },
  { name: 'Small talk', task: 'chat', part: '', text: 'Hello, how are you today?' },
  { name: 'Beyond me', task: 'chat', part: '', text: 'Write a poem about the sea in winter.' },
];
