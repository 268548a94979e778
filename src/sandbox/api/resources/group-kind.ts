import { z } from 'zod';
import type { Profile } from '../../state/profile.ts';
import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall } from '../api-call.ts';
import { isoTime } from '../json-api.ts';
import { linked } from '../relation.ts';
import type { ResourceKind } from '../resource-kind.ts';
import { seedName } from '../seeded-kind.ts';
import { withTimes, type StoredKind } from '../stored-kind.ts';
import { flowTriggers } from './flow-kind.ts';
import { profileAttributesOf, profileExtras, profileRelations } from './profile-kind.ts';
import { readDefinition } from './segment-definition.ts';
import { tagsRelation } from './tag-kind.ts';

/** How lists are shown. */
export const listKind: StoredKind = {
  type: 'list',
  path: 'lists',
  attributes: (_, list) => withTimes(list),
  additional: { profile_count: (call, { id }) => call.resources.memberships.count(id) },
  relations: {
    profiles: linked,
    tags: tagsRelation('lists'),
    'flow-triggers': flowTriggers('lists'),
  },
};

/** How segments are shown. */
export const segmentKind: StoredKind = {
  type: 'segment',
  path: 'segments',
  attributes: (_, segment) => withTimes(segment),
  additional: { profile_count: (call, segment) => membersOfSegment(call, segment).length },
  relations: {
    profiles: linked,
    tags: tagsRelation('segments'),
    'flow-triggers': flowTriggers('segments'),
  },
};

/** A profile as a member of a list or a segment; its number is that of the membership. */
export interface Member {
  readonly id: string;
  readonly seq: number;
  readonly profile: Profile;
  readonly joinedMs: number;
}

/** How members are shown: as profiles with the time of joining. */
export const memberKind: ResourceKind<Member> = {
  type: 'profile',
  path: 'profiles',
  attributes: (_, { profile, joinedMs }) => ({
    ...profileAttributesOf(profile),
    joined_group_at: isoTime(joinedMs),
  }),
  additional: {
    subscriptions: (call, { profile }) => profileExtras.subscriptions(call, profile),
    predictive_analytics: () => profileExtras.predictive_analytics(),
  },
  relations: profileRelations,
  values: { profile_id: (_, { id }) => id },
};

/** Fields by which members can be filtered; Klaviyo has more. */
export const memberFilters = ['profile_id', 'email', 'phone_number', 'joined_group_at'];

/** The members of a list or a segment, those who joined first at the front. */
export function membersOf(call: ApiCall, groupId: string): Member[] {
  return call.resources.memberships.of(groupId).flatMap(({ profileId, joinedMs }, index) => {
    const profile = call.resources.profiles.get(profileId);
    return profile ? [{ id: profileId, seq: index + 1, profile, joinedMs }] : [];
  });
}

/** The members of a segment: those the seed names, and those its definition fits. */
export function membersOfSegment(call: ApiCall, { id, ...segment }: StoredResource): Member[] {
  const seeded = membersOf(call, id);
  const fits = readDefinition(call, segment.attributes['definition']);
  if (!fits) return seeded;
  const known = new Set(seeded.map((member) => member.id));
  const others = call.resources.profiles.all().filter((one) => !known.has(one.id) && fits(one));
  const joinedMs = segment.createdMs;
  return [
    ...seeded,
    ...others.map((profile, index) => ({
      id: profile.id,
      seq: seeded.length + index + 1,
      profile,
      joinedMs: Math.max(joinedMs, profile.createdMs),
    })),
  ];
}

/** A segment, or a list, that exists from the start. */
export interface SeedGroup {
  readonly name: string;
  /** Email addresses of profiles of the account. */
  readonly profiles?: readonly string[] | undefined;
}

export const seedGroupSchema = z.strictObject({
  name: seedName,
  profiles: z.array(z.email()).optional().describe('Email addresses of profiles of the account.'),
});
