import { z } from 'zod';
import type { Profile } from '../../state/profile.ts';
import type { ApiCall } from '../api-call.ts';
import { isoTime, linkedOnly } from '../json-api.ts';
import type { ResourceKind } from '../resource-kind.ts';
import { seedName } from '../seeded-kind.ts';
import { withTimes, type StoredKind } from '../stored-kind.ts';
import { includeTriggered } from './flow-kind.ts';
import { profileAttributesOf, profileExtras } from './profile-kind.ts';
import { includeTags } from './tag-kind.ts';

const relationshipNames = ['profiles', 'tags', 'flow-triggers'];

/** How lists are shown. */
export const listKind: StoredKind = {
  type: 'list',
  path: 'lists',
  attributes: (_, list) => withTimes(list),
  additional: { profile_count: (call, { id }) => call.resources.memberships.count(id) },
  relationships: (_call, _list, self) => linkedOnly(self, relationshipNames),
  includes: { tags: includeTags('lists'), 'flow-triggers': includeTriggered('lists') },
};

/** How segments are shown. Who is in one is seeded: the sandbox evaluates no definition. */
export const segmentKind: StoredKind = {
  type: 'segment',
  path: 'segments',
  attributes: (_, segment) => withTimes(segment),
  additional: { profile_count: (call, { id }) => call.resources.memberships.count(id) },
  relationships: (_call, _segment, self) => linkedOnly(self, relationshipNames),
  includes: { tags: includeTags('segments'), 'flow-triggers': includeTriggered('segments') },
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
  relationships: (_call, _member, self) =>
    linkedOnly(self, ['lists', 'segments', 'push-tokens', 'conversations']),
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
