import { z } from 'zod';
import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { emptyReply } from '../json-api.ts';
import { identifierReply, identifiersReply, itemReply } from '../resource-kind.ts';
import {
  addStored,
  changeStored,
  collectionOf,
  createStored,
  deleteStored,
  getStored,
  listStored,
  refuseStrangers,
  storedInPath,
  storedOf,
  updateStored,
  type StoredKind,
} from '../stored-kind.ts';
import { change, identifierOf, identifiersBody, nameText } from './bodies.ts';
import { campaignKind } from './campaign-kind.ts';
import { flowKind } from './flow-kind.ts';
import { listKind, segmentKind } from './group-kind.ts';
import { defaultGroupId, withDefaultGroup } from './tag-groups.ts';
import { setTagged, tagGroupKind, tagKind, tagsOf, type Tagged } from './tag-kind.ts';

const createBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('tag'),
    attributes: z.strictObject({ name: nameText }),
    relationships: z
      .strictObject({ 'tag-group': z.strictObject({ data: identifierOf('tag-group') }) })
      .optional(),
  }),
});

const createTag = createStored(tagKind, createBody, (call, { data }) => {
  const groupId = data.relationships?.['tag-group'].data.id ?? defaultGroupId(call);
  const id = call.context.random.id();
  if (!collectionOf(call, tagGroupKind).get(groupId)) {
    const detail = `Tag Group with id ${groupId} not found`;
    const title = 'Tag Service Error';
    const code = 'tag_service_error';
    return { refusal: call.errors.error({ status: 404, code, title, detail }) };
  }
  return addStored(call, tagKind, data.attributes, { id, related: { 'tag-group': [groupId] } });
});

const updateTag = updateStored(tagKind, change('tag', { name: nameText }), (call, tag, { data }) =>
  changeStored(call, tagKind, tag, data.attributes),
);

const taggedKinds = {
  lists: listKind,
  segments: segmentKind,
  flows: flowKind,
  campaigns: campaignKind,
} as const satisfies Record<Tagged, StoredKind>;

/** `GET /api/tags/{id}/relationships/<tagged>` */
function taggedIds(tagged: Tagged): ApiHandler {
  return (call) => {
    const found = storedInPath(call, tagKind);
    if ('refusal' in found) return found.refusal;
    const kind = taggedKinds[tagged];
    return identifiersReply(call, kind, storedOf(call, kind, found.item.related?.[tagged]));
  };
}

/** `POST` and `DELETE /api/tags/{id}/relationships/<tagged>`: all the ids of the body, or none. */
function changeTagged(tagged: Tagged, how: 'add' | 'remove'): ApiHandler {
  const kind = taggedKinds[tagged];
  return (call) => {
    const found = storedInPath(call, tagKind);
    if ('refusal' in found) return found.refusal;
    const read = readWrite(call, identifiersBody(kind.type));
    if ('refusal' in read) return read.refusal;
    const ids = read.body.data.map(({ id }) => id);
    const strangers = refuseStrangers(call, kind, ids);
    if (strangers) return strangers.refusal;
    if (how === 'add' && ids.some((id) => isExcluded(call, found.item, tagged, id))) {
      return call.errors.invalid('A resource may have one tag of an exclusive tag group only.');
    }
    setTagged(call, found.item, tagged, (before) =>
      how === 'add'
        ? [...new Set([...before, ...ids])]
        : before.filter((other) => !ids.includes(other)),
    );
    return emptyReply(204);
  };
}

/** Whether a resource has another tag of the tag's group, and the group allows one only. */
function isExcluded(call: ApiCall, tag: StoredResource, tagged: Tagged, id: string): boolean {
  const [groupId = ''] = tag.related?.['tag-group'] ?? [];
  if (collectionOf(call, tagGroupKind).get(groupId)?.attributes['exclusive'] !== true) return false;
  return tagsOf(call, tagged, id).some(
    (other) => other.id !== tag.id && other.related?.['tag-group']?.includes(groupId),
  );
}

/** Answers by the group of the tag in the path. */
const groupOfTag = (answer: 'related' | 'identifier'): ApiHandler =>
  withDefaultGroup((call) => {
    const found = storedInPath(call, tagKind);
    if ('refusal' in found) return found.refusal;
    const [group] = storedOf(call, tagGroupKind, found.item.related?.['tag-group']);
    if (answer === 'identifier') return identifierReply(call, 'tag-group', group?.id);
    return group ? itemReply(call, tagGroupKind, group) : call.errors.notFound('tag-group', '');
  });

export const tagHandlers: HandlerTable = {
  get_tags: withDefaultGroup(listStored(tagKind)),
  create_tag: withDefaultGroup(createTag),
  get_tag: withDefaultGroup(getStored(tagKind)),
  update_tag: updateTag,
  delete_tag: deleteStored(tagKind),
  get_tag_group_for_tag: groupOfTag('related'),
  get_tag_group_id_for_tag: groupOfTag('identifier'),
  get_list_ids_for_tag: taggedIds('lists'),
  tag_lists: changeTagged('lists', 'add'),
  remove_tag_from_lists: changeTagged('lists', 'remove'),
  get_segment_ids_for_tag: taggedIds('segments'),
  tag_segments: changeTagged('segments', 'add'),
  remove_tag_from_segments: changeTagged('segments', 'remove'),
  get_campaign_ids_for_tag: taggedIds('campaigns'),
  tag_campaigns: changeTagged('campaigns', 'add'),
  remove_tag_from_campaigns: changeTagged('campaigns', 'remove'),
  get_flow_ids_for_tag: taggedIds('flows'),
  tag_flows: changeTagged('flows', 'add'),
  remove_tag_from_flows: changeTagged('flows', 'remove'),
};
