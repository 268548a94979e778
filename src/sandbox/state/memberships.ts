import { z } from 'zod';

/** That a profile is in a list or a segment. */
export interface Membership {
  /** Id of the list or the segment. */
  readonly groupId: string;
  readonly profileId: string;
  readonly joinedMs: number;
}

export const membershipSchema: z.ZodType<Membership> = z.object({
  groupId: z.string(),
  profileId: z.string(),
  joinedMs: z.number(),
});

/** Who is in which list or segment of one account, in the order of joining. */
export class Memberships {
  readonly #byGroup = new Map<string, Map<string, number>>();

  constructor(data: readonly Membership[] = []) {
    for (const membership of data) this.add(membership);
  }

  /** Adds a profile; one that is in already stays where it is. */
  add({ groupId, profileId, joinedMs }: Membership): void {
    let members = this.#byGroup.get(groupId);
    if (!members) this.#byGroup.set(groupId, (members = new Map<string, number>()));
    if (!members.has(profileId)) members.set(profileId, joinedMs);
  }

  remove(groupId: string, profileId: string): void {
    this.#byGroup.get(groupId)?.delete(profileId);
  }

  removeGroup(groupId: string): void {
    this.#byGroup.delete(groupId);
  }

  /** Takes a profile out of every group; another may take its places. */
  removeProfile(profileId: string, heirId?: string): void {
    for (const [groupId, members] of this.#byGroup) {
      const joinedMs = members.get(profileId);
      if (joinedMs === undefined) continue;
      members.delete(profileId);
      if (heirId !== undefined) this.add({ groupId, profileId: heirId, joinedMs });
    }
  }

  has(groupId: string, profileId: string): boolean {
    return this.#byGroup.get(groupId)?.has(profileId) ?? false;
  }

  count(groupId: string): number {
    return this.#byGroup.get(groupId)?.size ?? 0;
  }

  /** The members of a group, those who joined first at the front. */
  of(groupId: string): Membership[] {
    const members = this.#byGroup.get(groupId) ?? [];
    return [...members].map(([profileId, joinedMs]) => ({ groupId, profileId, joinedMs }));
  }

  all(): Membership[] {
    return [...this.#byGroup.keys()].flatMap((groupId) => this.of(groupId));
  }
}
