import { z } from 'zod';
import type { JsonObject } from '../state/json.ts';
import type { StoredResource } from '../state/stored-resource.ts';

/** What every seeded resource has: its name stands for it in the seed, and its id follows from it. */
export interface Named {
  readonly name: string;
}

/** What a seed puts into one account, for resources that refer to each other by name. */
export interface SeededNames {
  /**
   * @param type JSON:API's type, such as `metric` or `list`
   * @returns the id, or `undefined` when the seed has no such resource in the account
   */
  idOf(type: string, name: string): string | undefined;
}

/** A place in a seed and what is wrong there. */
export interface SeedProblem {
  readonly place: string;
  readonly message: string;
}

/** How a seed gives an account resources of one kind. */
export interface SeededKind<Item extends Named = Named> {
  /** JSON:API's type, under which the account keeps them. */
  readonly type: string;
  /** One of them, as a seed file has it. */
  readonly schema: z.ZodType<Item>;
  /** Its attributes besides the name, under Klaviyo's names. */
  attributes(item: Item): JsonObject;
  related?(item: Item, names: SeededNames): StoredResource['related'];
  /** Email addresses of the profiles that are members of it. */
  members?(item: Item): readonly string[];
  /** A name in it that leads nowhere; its place is below the item. */
  findProblem?(item: Item, names: SeededNames): SeedProblem | undefined;
}

/** The item that a seeded kind is about. */
export type SeededItem<Kind> = Kind extends SeededKind<infer Item> ? Item : never;

/** A name in a seed. */
export const seedName = z.string().min(1).max(200);
