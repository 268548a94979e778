import type { Stored } from './records.ts';

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

  /** Up to `size` items whose number is greater than `afterSeq`. */
  page(afterSeq: number, size: number): Item[] {
    const from = this.#indexAfter(afterSeq);
    return this.#items.slice(from, from + size);
  }

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
