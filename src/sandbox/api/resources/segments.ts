import { z } from 'zod';
import type { HandlerTable } from '../api-call.ts';
import type { SeededKind } from '../seeded-kind.ts';
import {
  changeStored,
  deleteStored,
  getStored,
  listStored,
  relation,
  updateStored,
} from '../stored-kind.ts';
import { change, nameText } from './bodies.ts';
import { flowKind, flowsTriggeredBy } from './flow-kind.ts';
import {
  memberFilters,
  memberKind,
  membersOf,
  seedGroupSchema,
  segmentKind,
  type SeedGroup,
} from './group-kind.ts';
import { forgetTagged, tagKind, tagsOf } from './tag-kind.ts';

const updateSegment = updateStored(
  segmentKind,
  change('segment', {
    name: nameText.optional(),
    is_starred: z.boolean().optional(),
    is_active: z.boolean().optional(),
    definition: z.unknown().optional(),
  }),
  (call, segment, { data: { attributes } }) =>
    attributes.definition === undefined
      ? changeStored(call, segmentKind, segment, attributes)
      : { refusal: call.errors.notImplemented('A change of a segment’s definition') },
);

const members = relation(segmentKind, memberKind, (call, { id }) => membersOf(call, id), {
  filter: memberFilters,
});
const tags = relation(segmentKind, tagKind, (call, { id }) => tagsOf(call, 'segments', id));
const flows = relation(segmentKind, flowKind, (call, { id }) =>
  flowsTriggeredBy(call, 'segments', id),
);

/** Who is in a segment is as the seed says, for good. */
export const seededSegments: SeededKind<SeedGroup> = {
  type: segmentKind.type,
  schema: seedGroupSchema,
  attributes: () => ({
    definition: null,
    is_active: true,
    is_processing: false,
    is_starred: false,
  }),
  members: ({ profiles = [] }) => profiles,
};

/** All of segments but their creation: the sandbox evaluates no definition. */
export const segmentHandlers: HandlerTable = {
  get_segments: listStored(segmentKind),
  get_segment: getStored(segmentKind),
  update_segment: updateSegment,
  delete_segment: deleteStored(segmentKind, (call, { id }) => {
    call.resources.memberships.removeGroup(id);
    forgetTagged(call, 'segments', id);
    return undefined;
  }),
  get_profiles_for_segment: members.related,
  get_profile_ids_for_segment: members.identifiers,
  get_tags_for_segment: tags.related,
  get_tag_ids_for_segment: tags.identifiers,
  get_flows_triggered_by_segment: flows.related,
  get_ids_for_flows_triggered_by_segment: flows.identifiers,
};
