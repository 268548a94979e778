import { z } from 'zod';
import type { ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { emptyReply } from '../json-api.ts';
import { identifiersReply, listReply } from '../resource-kind.ts';
import type { StoredKind } from '../stored-kind.ts';
import { identifierOf } from './bodies.ts';
import { variantKind } from './catalog-kinds.ts';
import { profileAttributes } from './profile-attributes.ts';
import { refuseStrangers } from '../stored-kind.ts';

/** Refuses what most plans do not have (recorded); 501 where the plan has it and the sandbox does not. */
function entitled(detail: string): ApiHandler {
  return (call) =>
    call.context.settings.planRefusals
      ? call.errors.forbidden(detail)
      : call.errors.notImplemented(
          `${call.operation.id} (${call.operation.method} ${call.operation.path})`,
        );
}

const pushTokenKind: StoredKind = {
  type: 'push-token',
  path: 'push-tokens',
  attributes: () => ({}),
};
const conversationKind: StoredKind = {
  type: 'conversation',
  path: 'conversations',
  attributes: () => ({}),
};

/** What hangs on a profile that the sandbox never has: an empty list. */
function noneOfProfile(kind: StoredKind, reply: typeof listReply): ApiHandler {
  return (call) => {
    const id = call.params['id'] ?? '';
    return call.resources.profiles.get(id)
      ? reply(call, kind, [])
      : call.errors.notFound('profile', id);
  };
}

const subscriptionBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('back-in-stock-subscription'),
    attributes: z.strictObject({
      channels: z.array(z.enum(['EMAIL', 'PUSH', 'SMS', 'WHATSAPP'])).min(1),
      profile: z.strictObject({
        data: z.strictObject({
          type: z.literal('profile'),
          id: z.string().nullish(),
          attributes: profileAttributes
            .pick({ email: true, phone_number: true, external_id: true })
            .optional(),
        }),
      }),
    }),
    relationships: z.strictObject({
      variant: z.strictObject({ data: identifierOf('catalog-variant') }),
    }),
  }),
});

/** Takes a wish to be told when a variant is back; nobody ever is. */
const subscribeBackInStock: ApiHandler = (call) => {
  const read = readWrite(call, subscriptionBody);
  if ('refusal' in read) return read.refusal;
  const strangers = refuseStrangers(call, variantKind, [
    read.body.data.relationships.variant.data.id,
  ]);
  return strangers ? strangers.refusal : emptyReply(202);
};

/** What most plans refuse, and the sandbox lacks where the plan does not. */
export const refusedByPlan: HandlerTable = {
  create_object_type: entitled('Entitlement to create object type not found.'),
  create_push_token: entitled('Company is not able to process push tokens'),
};

/** What is taken on without an effect to be seen, and what no profile has here. */
export const takenHandlers: HandlerTable = {
  get_push_tokens_for_profile: noneOfProfile(pushTokenKind, listReply),
  get_push_token_ids_for_profile: noneOfProfile(pushTokenKind, identifiersReply),
  get_conversations_for_profile: noneOfProfile(conversationKind, listReply),
  get_conversation_ids_for_profile: noneOfProfile(conversationKind, identifiersReply),
  create_back_in_stock_subscription: subscribeBackInStock,
  create_client_back_in_stock_subscription: subscribeBackInStock,
};
