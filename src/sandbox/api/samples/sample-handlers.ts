import { type ApiReply, sandboxHeader } from '../../context/api-error.ts';
import type { JsonObject } from '../../state/json.ts';
import type { ApiHandler, HandlerTable } from '../api-call.ts';
import { itemReply, listReply, type ResourceKind } from '../resource-kind.ts';
import data from './samples.json' with { type: 'json' };

/** One resource that stands for all of its type. */
interface Sample {
  /** Operation that lists the type, and the one that shows a resource of it. */
  readonly list: string;
  readonly item: string;
  readonly type: string;
  readonly path: string;
  readonly attributes: JsonObject;
}

/** What each account is said to have of every type below. */
const only = { id: 'SAMPLE', seq: 1 };

/**
 * Handlers of reads whose shape is known and whose content the sandbox does not keep: every account
 * has one made-up resource of the type, in the shape of Klaviyo's SDK, and the answer says so in the
 * header `Keyshift-Sandbox: sample`. Filters, orders, pages and sparse fields apply to it as to any
 * other. Writes to these types answer 501.
 */
export const sampleHandlers: HandlerTable = Object.fromEntries(
  (data.samples as readonly Sample[]).flatMap(handlersOf),
);

function handlersOf({ list, item, type, path, attributes }: Sample): [string, ApiHandler][] {
  const kind: ResourceKind<typeof only> = { type, path, attributes: () => attributes };
  return [
    [list, (call) => marked(listReply(call, kind, [only]))],
    [
      item,
      (call) => {
        const id = call.params['id'] ?? '';
        return marked(
          id === only.id ? itemReply(call, kind, only) : call.errors.notFound(type, id),
        );
      },
    ],
  ];
}

/** Marks whatever is not marked already. */
function marked(reply: ApiReply): ApiReply {
  return { ...reply, headers: { [sandboxHeader]: 'sample', ...reply.headers } };
}
