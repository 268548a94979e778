import { z } from 'zod';
import type { HandlerTable } from '../api-call.ts';
import type { SeededKind } from '../seeded-kind.ts';
import {
  addStored,
  changeStored,
  createStored,
  deleteStored,
  getStored,
  listStored,
  relation,
  updateStored,
} from '../stored-kind.ts';
import { change, creation, nameText } from './bodies.ts';
import { flowKind, flowsTriggeredBy } from './flow-kind.ts';
import {
  memberFilters,
  memberKind,
  membersOfSegment,
  seedGroupSchema,
  segmentKind,
  type SeedGroup,
} from './group-kind.ts';
import { segmentDefinition } from './segment-definition.ts';
import { forgetTagged, tagKind, tagsOf } from './tag-kind.ts';

const updateSegment = updateStored(
  segmentKind,
  change('segment', {
    name: nameText.optional(),
    is_starred: z.boolean().optional(),
    is_active: z.boolean().optional(),
    definition: segmentDefinition.optional(),
  }),
  (call, segment, { data: { attributes } }) => changeStored(call, segmentKind, segment, attributes),
);

/** `POST /api/segments`: who is in it follows from its definition, as far as the sandbox reads it. */
const createSegment = createStored(
  segmentKind,
  creation('segment', {
    name: nameText,
    definition: segmentDefinition,
    is_starred: z.boolean().nullish(),
  }),
  (call, { data: { attributes } }) =>
    addStored(call, segmentKind, {
      name: attributes.name,
      definition: attributes.definition,
      is_active: true,
      is_processing: false,
      is_starred: attributes.is_starred ?? false,
    }),
);

const members = relation(segmentKind, memberKind, membersOfSegment, {
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
    definition: { condition_groups: [{ conditions: [{ type: 'seeded' }] }] },
    is_active: true,
    is_processing: false,
    is_starred: false,
  }),
  members: ({ profiles = [] }) => profiles,
};

/** Segments, seeded or made. */
export const segmentHandlers: HandlerTable = {
  get_segments: listStored(segmentKind),
  create_segment: createSegment,
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
