import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { identifiersReply, listReply } from '../resource-kind.ts';
import { collectionOf, type StoredKind } from '../stored-kind.ts';
import { listKind, membersOfSegment, segmentKind } from './group-kind.ts';

/** Answers by the lists or segments that the profile in the path is in. */
function groupsOfProfile(kind: StoredKind, reply: typeof listReply): ApiHandler {
  return (call: ApiCall) => {
    const profile = call.resources.profiles.get(call.params['id'] ?? '');
    if (!profile) return call.errors.notFound('profile', call.params['id'] ?? '');
    const groups = collectionOf(call, kind)
      .all()
      .filter((group) =>
        kind === segmentKind
          ? membersOfSegment(call, group).some(({ id }) => id === profile.id)
          : call.resources.memberships.has(group.id, profile.id),
      );
    return reply(call, kind, groups, { include: [] });
  };
}

export const profileGroupHandlers: HandlerTable = {
  get_lists_for_profile: groupsOfProfile(listKind, listReply),
  get_list_ids_for_profile: groupsOfProfile(listKind, identifiersReply),
  get_segments_for_profile: groupsOfProfile(segmentKind, listReply),
  get_segment_ids_for_profile: groupsOfProfile(segmentKind, identifiersReply),
};
