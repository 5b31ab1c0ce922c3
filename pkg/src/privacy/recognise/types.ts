// What recognisers say.

/** A range of a text that is something. */
export interface Found {
  start: number;
  end: number;
}

/** Finds all of one kind, in time that grows with the text and not faster. */
export type Recogniser = (text: string) => Iterable<Found>;
