import { z } from 'zod';
import { shortId } from '../../ids.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../state/json.ts';
import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall } from '../api-call.ts';
import { addStored, collectionOf } from '../stored-kind.ts';
import { creation, nameText } from './bodies.ts';
import { actionKind, flowKind, flowMessageKind, type Trigger } from './flow-kind.ts';

const action = z.looseObject({
  id: z.string().nullish(),
  temporary_id: z.string().nullish(),
  type: z.string(),
  links: z.record(z.string(), z.string().nullable()).optional(),
  data: z.record(z.string(), z.unknown()).optional(),
});
const trigger = z.looseObject({ type: z.string(), id: z.string().nullish() });

/** The body of `POST /api/flows`. */
export const flowBody = creation('flow', {
  name: nameText,
  definition: z.strictObject({
    triggers: z.array(trigger),
    profile_filter: z.unknown().optional(),
    actions: z.array(action).min(1),
    entry_action_id: z.string().nullable(),
    reentry_criteria: z.unknown().optional(),
  }),
});

type NewAction = z.infer<typeof action>;

/** How Klaviyo calls what starts a flow, and where the flow remembers it. */
const triggers: Readonly<Record<string, { readonly shown: string; readonly name?: Trigger }>> = {
  metric: { shown: 'Metric', name: 'metrics' },
  list: { shown: 'Added to List', name: 'lists' },
  segment: { shown: 'Added to Segment', name: 'segments' },
  date: { shown: 'Date Based' },
  'price-drop': { shown: 'Price Drop' },
  'low-inventory': { shown: 'Low Inventory' },
};

/** What a message of an email action says where the caller does not (recorded). */
const emailMessage: JsonObject = {
  from_email: null,
  from_label: null,
  reply_to_email: null,
  cc_email: null,
  bcc_email: null,
  subject_line: null,
  preview_text: null,
  template_id: null,
  smart_sending_enabled: true,
  transactional: false,
  add_tracking_params: false,
  custom_tracking_params: null,
  additional_filters: null,
  name: null,
};

const channels: Readonly<Record<string, string>> = {
  'send-email': 'email',
  'send-sms': 'sms',
  'send-push-notification': 'mobile_push',
  'send-whatsapp': 'whatsapp',
  'send-webhook': 'webhook',
  'send-internal-alert': 'internal_alert',
};

/** Keeps a flow with its actions and their messages, which name each other. */
export function addFlow(
  call: ApiCall,
  { name, definition }: z.infer<typeof flowBody>['data']['attributes'],
): StoredResource {
  const flowId = shortId(call.context.random);
  const { actions, entry_action_id: entry, profile_filter = null, ...others } = definition;
  const nextId = createIds(call);
  const ids = new Map(actions.map((one) => [one.temporary_id ?? one.id ?? '', nextId()]));
  const idOf = (temporary: string | null) =>
    temporary === null ? null : (ids.get(temporary) ?? null);
  const shown = actions.map((one) => {
    const id = idOf(one.temporary_id ?? one.id ?? '') ?? '';
    return addAction(call, flowId, { id, action: one, idOf, messageId: nextId });
  });
  const started = others.triggers.map(({ type, id }) => [triggers[type]?.name, id] as const);
  const related: Record<string, readonly string[]> = { 'flow-actions': [...ids.values()] };
  for (const [place, id] of started) {
    if (place !== undefined && id != null) related[place] = [...(related[place] ?? []), id];
  }
  const [first] = others.triggers;
  return addStored(
    call,
    flowKind,
    {
      name,
      status: 'draft',
      archived: false,
      trigger_type: triggers[first?.type ?? '']?.shown ?? 'Unconfigured',
      definition: {
        ...(others as JsonObject),
        profile_filter: profile_filter as JsonValue,
        actions: shown,
        entry_action_id: idOf(entry),
      },
    },
    { id: flowId, related },
  );
}

interface ActionParts {
  readonly id: string;
  readonly action: NewAction;
  readonly idOf: (temporary: string | null) => string | null;
  readonly messageId: () => string;
}

function addAction(call: ApiCall, flowId: string, parts: ActionParts): JsonObject {
  const { id, action: sent, idOf, messageId } = parts;
  const message = sent.data?.['message'];
  const messages = isJsonObject(message)
    ? [addMessage(call, id, sent.type, message, messageId())]
    : [];
  const links = Object.entries(sent.links ?? { next: null });
  const definition: JsonObject = {
    id,
    type: sent.type,
    data: {
      ...(sent.data as JsonObject | undefined),
      ...(messages[0] ? { message: messages[0].attributes['definition'] ?? null } : {}),
    },
    links: Object.fromEntries(links.map(([name, to]) => [name, idOf(to)])),
  };
  const related = { flow: [flowId], 'flow-messages': messages.map((one) => one.id) };
  addStored(call, actionKind, { definition }, { id, related });
  return definition;
}

function addMessage(
  call: ApiCall,
  actionId: string,
  type: string,
  message: JsonObject,
  id: string,
): StoredResource {
  const channel = channels[type] ?? 'email';
  const definition = { ...(channel === 'email' ? emailMessage : {}), ...message, id };
  const related = { 'flow-action': [actionId] };
  return addStored(call, flowMessageKind, { channel, definition }, { id, related });
}

/** Ids of actions and messages are numbers that grow (recorded as texts of digits; assumed). */
function createIds(call: ApiCall): () => string {
  const taken = (kind: typeof actionKind) => Number(collectionOf(call, kind).all().at(-1)?.id ?? 0);
  let last = Math.max(100_000_000, taken(actionKind), taken(flowMessageKind));
  return () => String(++last);
}
