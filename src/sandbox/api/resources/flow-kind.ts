import type { Stored, StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall } from '../api-call.ts';
import { linked, relationTo } from '../relation.ts';
import type { Relation } from '../resource-kind.ts';
import { collectionOf, storedOf, withTimes, type StoredKind } from '../stored-kind.ts';
import { tagsRelation } from './tag-kind.ts';
import { templateKind } from './templates.ts';

/** How flows are shown: their definition on request, and where one was just written (recorded). */
export const flowKind: StoredKind = {
  type: 'flow',
  path: 'flows',
  attributes({ operation }, flow) {
    const { definition, ...shown } = withTimes(flow);
    const isNew = operation.id === 'create_flow' && definition !== undefined;
    return isNew ? { ...shown, definition } : shown;
  },
  additional: { definition: (_, { attributes }) => attributes['definition'] ?? null },
  relations: {
    'flow-actions': relationTo(() => actionKind, actionsOf),
    tags: tagsRelation('flows'),
  },
};

/** How the actions of flows are shown. */
export const actionKind: StoredKind = {
  type: 'flow-action',
  path: 'flow-actions',
  attributes: (_, action) => withTimes(action),
  relations: {
    flow: relationTo(() => flowKind, flowOf, { one: true, data: 'always' }),
    'flow-messages': relationTo(() => flowMessageKind, messagesOf),
  },
  values: {
    action_type: (_, { attributes }) =>
      String((attributes['definition'] as { type?: string }).type)
        .toUpperCase()
        .replaceAll('-', '_'),
    status: (_, { attributes }) =>
      (attributes['definition'] as { data?: { status?: string } }).data?.status ?? null,
  },
};

/** How the messages of flows are shown. */
export const flowMessageKind: StoredKind = {
  type: 'flow-message',
  path: 'flow-messages',
  attributes: (_, message) => withTimes(message),
  relations: {
    'flow-action': relationTo(() => actionKind, actionOf, { one: true, data: 'always' }),
    template: relationTo(() => templateKind, flowTemplateOf, { one: true }),
    image: linked,
  },
  values: {
    name: (_, { attributes }) => (attributes['definition'] as { name?: string }).name ?? null,
  },
};

export function actionsOf(call: ApiCall, { related }: StoredResource): StoredResource[] {
  return storedOf(call, actionKind, related?.['flow-actions']);
}

export function flowOf(call: ApiCall, { related }: StoredResource): StoredResource[] {
  return storedOf(call, flowKind, related?.['flow']);
}

export function messagesOf(call: ApiCall, { related }: StoredResource): StoredResource[] {
  return storedOf(call, flowMessageKind, related?.['flow-messages']);
}

export function actionOf(call: ApiCall, { related }: StoredResource): StoredResource[] {
  return storedOf(call, actionKind, related?.['flow-action']);
}

export function flowTemplateOf(call: ApiCall, { attributes }: StoredResource): StoredResource[] {
  const { template_id: id } = attributes['definition'] as { template_id?: string | null };
  return storedOf(call, templateKind, id == null ? [] : [id]);
}

/** What starts a flow, under the name of the flow's relationship. */
export type Trigger = 'lists' | 'segments' | 'metrics';

/** The flows that a list, a segment or a metric starts. */
export function flowsTriggeredBy(call: ApiCall, trigger: Trigger, id: string): StoredResource[] {
  return collectionOf(call, flowKind)
    .all()
    .filter((flow) => flow.related?.[trigger]?.includes(id));
}

/** The relationship to the flows that a resource starts. */
export function flowTriggers(trigger: Trigger): Relation<Stored> {
  return relationTo(
    () => flowKind,
    (call, { id }) => flowsTriggeredBy(call, trigger, id),
  );
}
