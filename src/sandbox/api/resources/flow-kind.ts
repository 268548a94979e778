import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall } from '../api-call.ts';
import { linkedOnly } from '../json-api.ts';
import { present, type Inclusion } from '../resource-kind.ts';
import { collectionOf, withTimes, type StoredKind } from '../stored-kind.ts';
import { includeTags } from './tag-kind.ts';

/** How flows are shown. Their actions are not kept. */
export const flowKind: StoredKind = {
  type: 'flow',
  path: 'flows',
  attributes: (_, flow) => withTimes(flow),
  relationships: (_call, _flow, self) => linkedOnly(self, ['flow-actions', 'tags']),
  includes: { tags: includeTags('flows') },
};

/** What starts a flow, under the name of the flow's relationship. */
export type Trigger = 'lists' | 'segments' | 'metrics';

/** The flows that a list, a segment or a metric starts. */
export function flowsTriggeredBy(call: ApiCall, trigger: Trigger, id: string): StoredResource[] {
  return collectionOf(call, flowKind)
    .all()
    .filter((flow) => flow.related?.[trigger]?.includes(id));
}

/** Adds the flows that a resource starts to an answer. */
export function includeTriggered(trigger: Trigger): Inclusion<{ id: string; seq: number }> {
  return (call, { id }, query) =>
    flowsTriggeredBy(call, trigger, id).map((flow) => present(call, query, flowKind, flow));
}
