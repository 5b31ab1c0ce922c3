// Two orders as one: reciprocal rank fusion (Cormack, Clarke and Büttcher 2009), which needs no scores on one scale.

/** The constant of the paper. */
const K = 60;
/** How far down each order is looked: behind that a rank says next to nothing. */
const DEEPEST = 100;

/** Ids with fused scores, best first: 1 for what is first in every order. */
export function fuse(orders: readonly (readonly { id: string }[])[]): { id: string; score: number }[] {
  const scores = new Map<string, number>();
  for (const order of orders) {
    order.slice(0, DEEPEST).forEach(({ id }, rank) => scores.set(id, (scores.get(id) ?? 0) + (K + 1) / (K + rank + 1) / orders.length));
  }
  return [...scores].map(([id, score]) => ({ id, score })).toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
}
