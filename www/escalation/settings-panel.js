// The settings of escalation: mode, remote models, budget, privacy.

import { nothing } from '../vendor/lit-html.js';

export const title = 'Other models';

/** A template, drawn below its heading; nothing hides the heading, too. Its own observables draw it by `sources`. */
export function panel() {
  return nothing;
}

/** Observables whose changes draw the settings again. */
export const sources = [];
