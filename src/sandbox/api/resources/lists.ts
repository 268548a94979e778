import { z } from 'zod';
import type { ApiReply } from '../../context/api-error.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { emptyReply } from '../json-api.ts';
import type { SeededKind } from '../seeded-kind.ts';
import {
  addStored,
  changeStored,
  createStored,
  deleteStored,
  getStored,
  listStored,
  relation,
  storedInPath,
  updateStored,
} from '../stored-kind.ts';
import { change, creation, identifiersBody, nameText } from './bodies.ts';
import { flowKind, flowsTriggeredBy } from './flow-kind.ts';
import {
  listKind,
  memberFilters,
  memberKind,
  membersOf,
  seedGroupSchema,
  type SeedGroup,
} from './group-kind.ts';
import { forgetTagged, tagKind, tagsOf } from './tag-kind.ts';

const optInProcess = z.enum(['double_opt_in', 'single_opt_in']);

const createList = createStored(
  listKind,
  creation('list', { name: nameText, opt_in_process: optInProcess.nullish() }),
  (call, { data: { attributes } }) =>
    addStored(call, listKind, {
      name: attributes.name,
      opt_in_process: attributes.opt_in_process ?? 'double_opt_in',
    }),
);

const updateList = updateStored(
  listKind,
  change('list', { name: nameText.optional(), opt_in_process: optInProcess.optional() }),
  (call, list, { data }) => changeStored(call, listKind, list, data.attributes),
);

const deleteList = deleteStored(listKind, (call, { id }) => {
  call.resources.memberships.removeGroup(id);
  forgetTagged(call, 'lists', id);
  return undefined;
});

/** Adds to or takes from the list in the path, all the profiles of the body or none. */
function changeMembers(
  apply: (call: ApiCall, listId: string, profileId: string) => void,
): ApiHandler {
  return (call) => {
    const found = storedInPath(call, listKind);
    if ('refusal' in found) return found.refusal;
    const read = readWrite(call, identifiersBody('profile'));
    if ('refusal' in read) return read.refusal;
    const { data } = read.body;
    const stranger = refuseStranger(call, data);
    if (stranger) return stranger;
    for (const { id } of data) apply(call, found.item.id, id);
    return emptyReply(204);
  };
}

/** 404 for the first id that no profile of the account has. */
function refuseStranger(
  call: ApiCall,
  data: readonly { readonly id: string }[],
): ApiReply | undefined {
  const stranger = data.find(({ id }) => !call.resources.profiles.get(id));
  return stranger && call.errors.notFound('profile', stranger.id);
}

const members = relation(listKind, memberKind, (call, { id }) => membersOf(call, id), {
  filter: memberFilters,
});
const tags = relation(listKind, tagKind, (call, { id }) => tagsOf(call, 'lists', id));
const flows = relation(listKind, flowKind, (call, { id }) => flowsTriggeredBy(call, 'lists', id), {
  include: [],
});

/** A list that exists from the start. */
export interface SeedList extends SeedGroup {
  /** Default: `double_opt_in`. */
  readonly optIn?: 'double_opt_in' | 'single_opt_in' | undefined;
}

export const seededLists: SeededKind<SeedList> = {
  type: listKind.type,
  schema: seedGroupSchema.extend({ optIn: optInProcess.optional() }),
  attributes: ({ optIn = 'double_opt_in' }) => ({ opt_in_process: optIn }),
  members: ({ profiles = [] }) => profiles,
};

export const listHandlers: HandlerTable = {
  get_lists: listStored(listKind),
  create_list: createList,
  get_list: getStored(listKind),
  update_list: updateList,
  delete_list: deleteList,
  add_profiles_to_list: changeMembers((call, groupId, profileId) => {
    const joinedMs = call.context.clock.now();
    call.resources.memberships.add({ groupId, profileId, joinedMs });
  }),
  remove_profiles_from_list: changeMembers((call, groupId, profileId) =>
    call.resources.memberships.remove(groupId, profileId),
  ),
  get_profiles_for_list: members.related,
  get_profile_ids_for_list: members.identifiers,
  get_tags_for_list: tags.related,
  get_tag_ids_for_list: tags.identifiers,
  get_flows_triggered_by_list: flows.related,
  get_ids_for_flows_triggered_by_list: flows.identifiers,
};
