import { z } from 'zod';
import type { HandlerTable } from '../api-call.ts';
import {
  changeStored,
  deleteStored,
  getStored,
  listStored,
  relation,
  updateStored,
} from '../stored-kind.ts';
import { change } from './bodies.ts';
import { flowKind } from './flow-kind.ts';
import { forgetTagged, tagKind, tagsOf } from './tag-kind.ts';

const updateFlow = updateStored(
  flowKind,
  change('flow', { status: z.enum(['draft', 'manual', 'live']) }),
  (call, flow, { data }) => changeStored(call, flowKind, flow, data.attributes),
);

const tags = relation(flowKind, tagKind, (call, { id }) => tagsOf(call, 'flows', id));

/** Flows are seeded: they can be read, switched and deleted, and start nothing. */
export const flowHandlers: HandlerTable = {
  get_flows: listStored(flowKind),
  get_flow: getStored(flowKind),
  update_flow: updateFlow,
  delete_flow: deleteStored(flowKind, (call, { id }) => {
    forgetTagged(call, 'flows', id);
    return undefined;
  }),
  get_tags_for_flow: tags.related,
  get_tag_ids_for_flow: tags.identifiers,
};
