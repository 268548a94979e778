import type { Store } from '../store/store.ts';
import type { Selection } from './select-connections.ts';

/** How many connections a selection is about, for a progress bar. */
export async function countSelected(store: Store, selection: Selection): Promise<number> {
  if (selection.all !== true) return new Set(selection.customer).size;
  const counts = await store.connections.countByStage();
  return counts.reduce((sum, { count }) => sum + count, 0);
}
