import { z } from 'zod';
import { stableUlid } from '../../ids.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import {
  addStored,
  changeStored,
  collectionOf,
  createStored,
  deleteStored,
  getStored,
  listStored,
  relation,
  updateStored,
} from '../stored-kind.ts';
import { change, creation, nameText } from './bodies.ts';
import { tagGroupKind, tagKind } from './tag-kind.ts';

/** The group that tags without one belong to: every account has it (documented). */
export function defaultGroupId(call: ApiCall): string {
  const groups = collectionOf(call, tagGroupKind);
  const found = groups.all().find(({ attributes }) => attributes['default'] === true);
  if (found) return found.id;
  const attributes = { name: 'Default Tag Group', exclusive: false, default: true };
  const id = stableUlid(`tag-group:${call.caller.account.id}`);
  return addStored(call, tagGroupKind, attributes, { id }).id;
}

/** The handler of an operation that can see the default group. */
export function withDefaultGroup(handler: ApiHandler): ApiHandler {
  return (call) => {
    defaultGroupId(call);
    return handler(call);
  };
}

const tags = relation(tagGroupKind, tagKind, (call, { id }) =>
  collectionOf(call, tagKind)
    .all()
    .filter((tag) => tag.related?.['tag-group']?.includes(id)),
);

const createTagGroup = createStored(
  tagGroupKind,
  creation('tag-group', { name: nameText, exclusive: z.boolean().nullish() }),
  (call, { data: { attributes } }) => {
    const { name, exclusive } = attributes;
    const id = call.context.random.id();
    return addStored(
      call,
      tagGroupKind,
      { name, exclusive: exclusive ?? false, default: false },
      { id },
    );
  },
);

const updateTagGroup = updateStored(
  tagGroupKind,
  change('tag-group', { name: nameText, return_fields: z.array(z.string()).nullish() }),
  (call, group, { data }) =>
    changeStored(call, tagGroupKind, group, { name: data.attributes.name }),
);

/** The default group stays; with any other go its tags. */
const deleteTagGroup = deleteStored(tagGroupKind, (call, group) => {
  if (group.attributes['default'] === true) {
    return call.errors.invalid('The default tag group cannot be deleted.');
  }
  for (const tag of [...collectionOf(call, tagKind).all()]) {
    if (tag.related?.['tag-group']?.includes(group.id)) {
      collectionOf(call, tagKind).remove(tag.id);
    }
  }
  return undefined;
});

export const tagGroupHandlers: HandlerTable = {
  get_tag_groups: withDefaultGroup(listStored(tagGroupKind)),
  create_tag_group: withDefaultGroup(createTagGroup),
  get_tag_group: withDefaultGroup(getStored(tagGroupKind)),
  update_tag_group: withDefaultGroup(updateTagGroup),
  delete_tag_group: withDefaultGroup(deleteTagGroup),
  get_tags_for_tag_group: withDefaultGroup(tags.related),
  get_tag_ids_for_tag_group: withDefaultGroup(tags.identifiers),
};
