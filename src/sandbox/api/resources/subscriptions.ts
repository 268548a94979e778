import { z } from 'zod';
import type { ApiReply } from '../../context/api-error.ts';
import type { JsonObject } from '../../state/json.ts';
import type { Profile } from '../../state/profile.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { emptyReply, isoTime } from '../json-api.ts';
import { collectionOf, refuseStrangers } from '../stored-kind.ts';
import { identifierOf } from './bodies.ts';
import { withChannel, type Channel } from './consent.ts';
import { listKind } from './group-kind.ts';
import { profileAttributes } from './profile-attributes.ts';
import { addProfile, findProfile, hasIdentifier, identifierNeeded } from './profiles.ts';

const purposes = <Consent extends z.ZodType>(consent: Consent) =>
  z.strictObject({
    email: z
      .strictObject({ marketing: consent.optional(), open_tracking: z.unknown().optional() })
      .optional(),
    sms: z
      .strictObject({ marketing: consent.optional(), transactional: consent.optional() })
      .optional(),
    whatsapp: z.unknown().optional(),
    push: z.unknown().optional(),
  });

const subscribed = z.strictObject({
  consent: z.literal('SUBSCRIBED'),
  consented_at: z.iso.datetime({ offset: true }).nullish(),
});
const unsubscribed = z.strictObject({ consent: z.literal('UNSUBSCRIBED') });
const { email, phone_number } = profileAttributes.shape;

/** A profile that is to be subscribed. */
export const subscriber = z.strictObject({
  type: z.literal('profile'),
  id: z.string().nullish(),
  attributes: z.strictObject({
    email,
    phone_number,
    subscriptions: purposes(subscribed),
    age_gated_date_of_birth: z.string().nullish(),
  }),
});

const toList = z.strictObject({ list: z.strictObject({ data: identifierOf('list') }).optional() });

const subscribeBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('profile-subscription-bulk-create-job'),
    attributes: z.strictObject({
      custom_source: z.string().nullish(),
      profiles: z.strictObject({ data: z.array(subscriber).min(1).max(1_000) }),
      historical_import: z.boolean().nullish(),
    }),
    relationships: toList.optional(),
  }),
});

const unsubscribeBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('profile-subscription-bulk-delete-job'),
    attributes: z.strictObject({
      profiles: z.strictObject({
        data: z
          .array(
            z.strictObject({
              type: z.literal('profile'),
              attributes: z.strictObject({
                email,
                phone_number,
                subscriptions: purposes(unsubscribed),
              }),
            }),
          )
          .min(1)
          .max(100),
      }),
    }),
    relationships: toList.optional(),
  }),
});

/** How profiles are subscribed. */
export interface SubscriptionTerms {
  readonly listId: string | undefined;
  readonly source: string | null | undefined;
  /** Consent that was given elsewhere before: it needs no second confirmation. */
  readonly historical: boolean;
}

type Subscriber = z.infer<typeof subscriber>;
type Channels = z.infer<ReturnType<typeof purposes<typeof subscribed | typeof unsubscribed>>>;

/** Subscribes all the profiles or, where one cannot be, none; 202 without a body. */
export function subscribe(
  call: ApiCall,
  subscribers: readonly Subscriber[],
  terms: SubscriptionTerms,
): ApiReply {
  for (const [index, one] of subscribers.entries()) {
    const refusal = refuseSubscriber(call, one, terms, index);
    if (refusal) return refusal;
  }
  const list = collectionOf(call, listKind).get(terms.listId ?? '');
  // The person would get an email with a link; nobody clicks it here (documented).
  const unconfirmed = list?.attributes['opt_in_process'] === 'double_opt_in' && !terms.historical;
  call.context.later(() => {
    for (const one of subscribers) {
      // Without a list a new address never appears, whatever the answer says (recorded).
      const profile = subscriberProfile(call, one, terms.listId !== undefined);
      if (unconfirmed || !profile) continue;
      const joinedMs = call.context.clock.now();
      const { id: profileId } = profile;
      if (list) call.resources.memberships.add({ groupId: list.id, profileId, joinedMs });
      call.resources.replaceProfile(consented(call, profile, one.attributes.subscriptions, terms));
    }
  });
  return emptyReply(202);
}

function refuseSubscriber(
  call: ApiCall,
  { id, attributes }: Subscriber,
  terms: SubscriptionTerms,
  index: number,
): ApiReply | undefined {
  const { subscriptions, age_gated_date_of_birth: birth } = attributes;
  const pointer = `/data/attributes/profiles/data/${index}`;
  if (birth != null) return call.errors.notImplemented('age_gated_date_of_birth');
  const refusal = refuseChannels(call, subscriptions);
  if (refusal) return refusal;
  const strangers = refuseStrangers(
    call,
    listKind,
    terms.listId === undefined ? [] : [terms.listId],
  );
  if (strangers) return strangers.refusal;
  if (id != null && !call.resources.profiles.get(id)) return call.errors.notFound('profile', id);
  if (id == null && !hasIdentifier(attributes)) {
    return identifierNeeded(call, `${pointer}/attributes`);
  }
  const channels = channelsOf(subscriptions);
  if (terms.historical && channels.some(([, { consented_at }]) => consented_at == null)) {
    const detail = 'A historical import needs consented_at for each subscription.';
    return call.errors.invalid(detail, { pointer: `${pointer}/attributes/subscriptions` });
  }
  return undefined;
}

function refuseChannels(call: ApiCall, channels: Channels): ApiReply | undefined {
  const lacking =
    channels.whatsapp !== undefined ||
    channels.push !== undefined ||
    channels.email?.open_tracking !== undefined;
  return lacking
    ? call.errors.notImplemented('A subscription by whatsapp, push or open tracking')
    : undefined;
}

function subscriberProfile(
  call: ApiCall,
  { id, attributes }: Subscriber,
  mayBeNew: boolean,
): Profile | undefined {
  const { email: address, phone_number: phone } = attributes;
  const identity = {
    ...(address == null ? {} : { email: address }),
    ...(phone == null ? {} : { phone_number: phone }),
  };
  const known = id == null ? findProfile(call, identity) : call.resources.profiles.get(id);
  return known ?? (mayBeNew ? addProfile(call, identity) : undefined);
}

interface Consent {
  readonly consent: 'SUBSCRIBED' | 'UNSUBSCRIBED';
  readonly consented_at?: string | null | undefined;
}

function channelsOf({ email: mail, sms }: Channels): [Channel, Consent][] {
  const all = [
    ['email.marketing', mail?.marketing],
    ['sms.marketing', sms?.marketing],
    ['sms.transactional', sms?.transactional],
  ] as const;
  return all.flatMap(([channel, consent]) => (consent ? [[channel, consent]] : []));
}

function consented(
  call: ApiCall,
  profile: Profile,
  channels: Channels,
  { source }: Pick<SubscriptionTerms, 'source'>,
): Profile {
  const now = isoTime(call.context.clock.now());
  let changed = profile;
  for (const [channel, { consent, consented_at: at }] of channelsOf(channels)) {
    const change: JsonObject = {
      consent,
      consent_timestamp: at == null ? now : isoTime(Date.parse(at)),
      last_updated: now,
      method: 'API',
      method_detail: source ?? '',
    };
    changed = withChannel(changed, channel, change);
  }
  return { ...changed, updatedMs: call.context.clock.now() };
}

const bulkSubscribe: ApiHandler = (call) => {
  const read = readWrite(call, subscribeBody);
  if ('refusal' in read) return read.refusal;
  const { attributes, relationships } = read.body.data;
  return subscribe(call, attributes.profiles.data, {
    listId: relationships?.list?.data.id,
    source: attributes.custom_source,
    historical: attributes.historical_import === true,
  });
};

/** `POST /api/profile-subscription-bulk-delete-jobs`: a profile nobody knows is created (assumed). */
const bulkUnsubscribe: ApiHandler = (call) => {
  const read = readWrite(call, unsubscribeBody);
  if ('refusal' in read) return read.refusal;
  const { attributes, relationships } = read.body.data;
  const listId = relationships?.list?.data.id;
  const strangers = refuseStrangers(call, listKind, listId === undefined ? [] : [listId]);
  if (strangers) return strangers.refusal;
  for (const [index, one] of attributes.profiles.data.entries()) {
    const pointer = `/data/attributes/profiles/data/${index}/attributes`;
    const refusal = refuseChannels(call, one.attributes.subscriptions);
    if (refusal) return refusal;
    if (!hasIdentifier(one.attributes)) return identifierNeeded(call, pointer);
  }
  call.context.later(() => {
    for (const { attributes: one } of attributes.profiles.data) {
      const { subscriptions, ...identity } = one;
      const profile = findProfile(call, identity) ?? addProfile(call, identity);
      if (listId !== undefined) call.resources.memberships.remove(listId, profile.id);
      call.resources.replaceProfile(consented(call, profile, subscriptions, { source: null }));
    }
  });
  return emptyReply(202);
};

export const subscriptionHandlers: HandlerTable = {
  bulk_subscribe_profiles: bulkSubscribe,
  bulk_unsubscribe_profiles: bulkUnsubscribe,
};
