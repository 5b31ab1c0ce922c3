// The six tickets of the tour. They were chosen by what really happens to them: the rule for the first days (docs/routing.md) is sure
// of what desk-nano says to the first two, and not of the rest. tests/web/tour.test.mjs runs them, so a model or a rule that treats
// them otherwise is noticed.

const LABELS = 'card arrival, lost or stolen card, change pin, exchange rate, top up failed';

/** As models/desk/README.md writes its tasks. */
const classify = (message) => ({ content: `classify: ${LABELS}\nmessage: ${message}`, asked: `Which of these is it: ${LABELS}?`, message });
const extract = (fields, message) => ({
  content: `extract: ${fields.join(', ')}\nmessage: ${message}`,
  asked: `Find: ${fields.join(', ')}.`,
  message,
  schema: {
    type: 'object',
    properties: Object.fromEntries(fields.map((field) => [field, { type: ['string', 'null'] }])),
    required: fields,
    additionalProperties: false,
  },
});

/**
 * `title`: what it shows; `content`: what the models are asked; `message` and `asked`: the same for people; `schema` of the answer;
 * `label`: what may be done with it; `cut`: the network is cut meanwhile.
 */
export const TICKETS = [
  { title: 'The small model is sure', ...classify('What do I do if my top up did not go through?') },
  { title: 'Sure again', ...extract(['order number'], 'My order 55102 has not arrived yet.') },
  { title: 'In doubt: the bigger one is asked', ...extract(['order number', 'city'], 'Order 77120 should go to Bristol.') },
  { title: 'In doubt again', ...extract(['order number', 'name', 'city'], 'Hello, this is Ann Li from Leeds. The lamp of my order 48213 arrived broken.') },
  {
    title: 'In doubt, but this one must not leave',
    ...extract(['name', 'phone number'], 'This is Peter Novak, please ring me at 0161 496 0123 about my diagnosis.'),
    label: 'never',
  },
  { title: 'In doubt, and the network is cut', ...extract(['order number', 'name'], 'Order 60417 for Nina Brandt was never delivered.'), cut: true },
];
