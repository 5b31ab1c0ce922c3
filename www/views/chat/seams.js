// What other parts of the page show in a conversation changes with these.

import * as documents from '../../documents/ask.js';
import * as escalation from '../../escalation/provenance.js';

export const sources = [...(documents.sources ?? []), ...escalation.sources];

/** What they show of a message, where it changes with more than the message: a value that is another one then. */
export const shown = (message) => escalation.shown(message);
