import type { Stored } from './stored-resource.ts';

/** What is handed to {@link Collection.add}: the collection numbers it. */
export type Unnumbered<Item extends Stored> = Omit<Item, 'seq'>;

/** The resources of one kind in one account, in the order they were added. */
export class Collection<Item extends Stored> {
  readonly #items: Item[];
  readonly #byId: Map<string, Item>;

  constructor(items: readonly Item[] = []) {
    this.#items = [...items];
    this.#byId = new Map(items.map((item) => [item.id, item]));
  }

  get size(): number {
    return this.#items.length;
  }

  get(id: string): Item | undefined {
    return this.#byId.get(id);
  }

  /** The item with this id as a list of one, or none. */
  pick(id: string | undefined): readonly Item[] {
    const item = this.#byId.get(id ?? '');
    return item ? [item] : [];
  }

  /** Numbers and keeps a new item. */
  add(item: Unnumbered<Item>): Item {
    const seq = (this.#items.at(-1)?.seq ?? 0) + 1;
    const stored = { ...item, seq } as Item;
    this.#items.push(stored);
    this.#byId.set(stored.id, stored);
    return stored;
  }

  /** Puts a changed item in the place of the one with its number. */
  replace(item: Item): void {
    this.#items[this.#indexAfter(item.seq - 1)] = item;
    this.#byId.set(item.id, item);
  }

  /** Removes an item; returns whether it was there. */
  remove(id: string): boolean {
    const item = this.#byId.get(id);
    if (!item) return false;
    this.#items.splice(this.#indexAfter(item.seq - 1), 1);
    return this.#byId.delete(id);
  }

  /** In the order of their numbers. */
  all(): readonly Item[] {
    return this.#items;
  }

  #indexAfter(seq: number): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#items[middle]?.seq ?? 0) > seq) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
