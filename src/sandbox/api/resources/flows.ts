import { z } from 'zod';
import type { HandlerTable } from '../api-call.ts';
import { seedName, type SeededKind, type SeededNames } from '../seeded-kind.ts';
import {
  changeStored,
  collectionOf,
  createStored,
  deleteStored,
  getStored,
  listStored,
  relation,
  relationToOne,
  updateStored,
} from '../stored-kind.ts';
import { change } from './bodies.ts';
import { addFlow, flowBody } from './flow-creation.ts';
import {
  actionKind,
  actionOf,
  actionsOf,
  flowKind,
  flowMessageKind,
  flowOf,
  flowTemplateOf,
  messagesOf,
  type Trigger,
} from './flow-kind.ts';
import { forgetTagged, tagKind, tagsOf } from './tag-kind.ts';
import { templateKind } from './templates.ts';

const flowStatus = z.enum(['draft', 'manual', 'live']);

const updateFlow = updateStored(
  flowKind,
  change('flow', { status: flowStatus }),
  (call, flow, { data }) => changeStored(call, flowKind, flow, data.attributes),
);

const createFlow = createStored(flowKind, flowBody, (call, { data }) =>
  addFlow(call, data.attributes),
);

const actions = relation(flowKind, actionKind, actionsOf);
const flow = relationToOne(actionKind, flowKind, flowOf);
const messages = relation(actionKind, flowMessageKind, messagesOf);
const action = relationToOne(flowMessageKind, actionKind, actionOf);
const template = relationToOne(flowMessageKind, templateKind, flowTemplateOf);
const tags = relation(flowKind, tagKind, (call, { id }) => tagsOf(call, 'flows', id));

/** A flow that exists from the start. It can be read and switched, and does nothing. */
export interface SeedFlow {
  readonly name: string;
  /** Default: live. */
  readonly status?: 'draft' | 'manual' | 'live' | undefined;
  /** The name of what starts it. */
  readonly trigger?:
    | { readonly metric: string }
    | { readonly list: string }
    | { readonly segment: string }
    | undefined;
}

export const seededFlows: SeededKind<SeedFlow> = {
  type: flowKind.type,
  schema: z.strictObject({
    name: seedName,
    status: flowStatus.optional().describe('Default: live.'),
    trigger: z
      .union([
        z.strictObject({ metric: seedName }),
        z.strictObject({ list: seedName }),
        z.strictObject({ segment: seedName }),
      ])
      .optional()
      .describe('The name of what starts it.'),
  }),
  attributes: ({ status = 'live', trigger }) => ({
    status,
    archived: false,
    trigger_type: triggerType(trigger),
  }),
  related: ({ trigger }, names) => (trigger ? findTrigger(trigger, names) : undefined) ?? {},
  findProblem({ trigger }, names) {
    if (!trigger || findTrigger(trigger, names)) return undefined;
    const message = 'is not the name of a metric, list or segment of the account';
    return { place: 'trigger', message };
  },
};

function triggerType(trigger: SeedFlow['trigger']): string {
  if (!trigger) return 'Unconfigured';
  return 'metric' in trigger ? 'Metric' : 'Added to List';
}

function findTrigger(
  trigger: NonNullable<SeedFlow['trigger']>,
  names: SeededNames,
): Partial<Record<Trigger, string[]>> | undefined {
  const found = (relationship: Trigger, id: string | undefined) =>
    id === undefined ? undefined : { [relationship]: [id] };
  if ('metric' in trigger) return found('metrics', names.idOf('metric', trigger.metric));
  if ('list' in trigger) return found('lists', names.idOf('list', trigger.list));
  return found('segments', names.idOf('segment', trigger.segment));
}

/** Flows with their actions and messages. They can be made, read, switched and deleted, and start nothing. */
export const flowHandlers: HandlerTable = {
  get_flows: listStored(flowKind),
  get_flow: getStored(flowKind),
  create_flow: createFlow,
  update_flow: updateFlow,
  delete_flow: deleteStored(flowKind, (call, { id, related }) => {
    for (const each of related?.['flow-actions'] ?? []) collectionOf(call, actionKind).remove(each);
    forgetTagged(call, 'flows', id);
    return undefined;
  }),
  get_actions_for_flow: actions.related,
  get_action_ids_for_flow: actions.identifiers,
  get_flow_action: getStored(actionKind),
  get_flow_for_flow_action: flow.related,
  get_flow_id_for_flow_action: flow.identifiers,
  get_flow_action_messages: messages.related,
  get_message_ids_for_flow_action: messages.identifiers,
  get_flow_message: getStored(flowMessageKind),
  get_action_for_flow_message: action.related,
  get_action_id_for_flow_message: action.identifiers,
  get_template_for_flow_message: template.related,
  get_template_id_for_flow_message: template.identifiers,
  get_tags_for_flow: tags.related,
  get_tag_ids_for_flow: tags.identifiers,
};
