import type { Store } from '../store/store.ts';
import type { Selection } from './select-connections.ts';

/** How many connections a selection is about, for a progress bar. */
export async function countSelected(store: Store, selection: Selection): Promise<number> {
  if (selection.customer) return new Set(selection.customer).size;
  if (selection.cohort) {
    let matching = 0;
    for await (const _ of store.connections.list({ labels: selection.cohort })) matching += 1;
    return matching;
  }
  const counts = await store.connections.countByStage();
  return counts.reduce((sum, { count }) => sum + count, 0);
}
