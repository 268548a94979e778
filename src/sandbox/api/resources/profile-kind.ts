import type { JsonObject, JsonValue } from '../../state/json.ts';
import type { Stored } from '../../state/stored-resource.ts';
import type { Profile } from '../../state/profile.ts';
import type { ApiCall } from '../api-call.ts';
import { isoTime } from '../json-api.ts';
import { linked } from '../relation.ts';
import type { FilterTerm } from '../query/parse-filter.ts';
import type { ApiQuery } from '../query/read-query.ts';
import { valueAt } from '../query/sparse.ts';
import type { Relations, ResourceKind } from '../resource-kind.ts';
import { isSuppressed, shownSubscriptions } from './consent.ts';

const shownAttributes: readonly string[] = [
  'email',
  'phone_number',
  'external_id',
  'anonymous_id',
  'whatsapp_bsuid',
  'first_name',
  'last_name',
  'organization',
  'locale',
  'title',
  'image',
];

const noLocation: JsonObject = {
  address1: null,
  address2: null,
  city: null,
  country: null,
  latitude: null,
  longitude: null,
  region: null,
  zip: null,
  timezone: null,
  ip: null,
};

/** The attributes of a profile that every answer shows. */
export function profileAttributesOf({ attributes, ...profile }: Profile): JsonObject {
  const { createdMs, updatedMs, lastEventMs } = profile;
  return {
    ...Object.fromEntries(shownAttributes.map((name) => [name, attributes[name] ?? null])),
    created: isoTime(createdMs),
    updated: isoTime(updatedMs),
    last_event_date: lastEventMs === null ? null : isoTime(lastEventMs),
    location: { ...noLocation, ...(attributes['location'] as JsonObject | undefined) },
    properties: attributes['properties'] ?? {},
  };
}

/** All null: Klaviyo computes these from orders, which nobody could do honestly here. */
const noPredictions: JsonObject = {
  historic_clv: null,
  predicted_clv: null,
  total_clv: null,
  historic_number_of_orders: null,
  predicted_number_of_orders: null,
  average_days_between_orders: null,
  average_order_value: null,
  churn_probability: null,
  expected_date_of_next_order: null,
  ranked_channel_affinity: null,
};

/** What answers add to a profile on request. */
export const profileExtras = {
  subscriptions: (_: ApiCall, profile: Profile) => shownSubscriptions(profile),
  predictive_analytics: () => noPredictions,
} as const;

const suppressionPath = 'subscriptions.email.marketing.suppression';

function suppression({ subscriptions = {} }: Profile, name: string): JsonValue {
  const list = valueAt({ subscriptions }, suppressionPath);
  const last: unknown = Array.isArray(list) ? list.at(-1) : undefined;
  return valueAt((last ?? {}) as JsonObject, name) ?? null;
}

const groupRelations = { lists: linked, segments: linked, 'push-tokens': linked };

/**
 * The relationships of a profile: to several conversations where profiles themselves are read, to
 * one elsewhere (recorded).
 */
export function profileRelations({ operation }: ApiCall, isPrimary: boolean): Relations<Stored> {
  const isRead = operation.id === 'get_profiles' || operation.id === 'get_profile';
  return { ...groupRelations, [isPrimary && isRead ? 'conversations' : 'conversation']: linked };
}

/** How profiles are shown. */
export const profileKind: ResourceKind<Profile> = {
  type: 'profile',
  path: 'profiles',
  attributes: (_, profile) => profileAttributesOf(profile),
  additional: profileExtras,
  relations: profileRelations,
  values: {
    [`${suppressionPath}.reason`]: (_, profile) =>
      isSuppressed(profile) ? suppression(profile, 'reason') : null,
    [`${suppressionPath}.timestamp`]: (_, profile) =>
      isSuppressed(profile) ? suppression(profile, 'timestamp') : null,
  },
};

/** Fields by which profiles can be filtered; Klaviyo has more. */
export const profileFilters = [
  'id',
  'email',
  'phone_number',
  'external_id',
  'created',
  'updated',
  `${suppressionPath}.reason`,
  `${suppressionPath}.timestamp`,
];

/**
 * The profiles that may fulfil a query: those an identifier names, found by the index, else all.
 * In the order of their numbers.
 */
export function profileCandidates(call: ApiCall, query: ApiQuery): readonly Profile[] {
  const term = query.filter.find(
    ({ field, operator }) =>
      identifiers.has(field) && (operator === 'equals' || operator === 'any'),
  );
  return term ? profilesNamed(call, term) : call.resources.profiles.all();
}

const identifiers: ReadonlySet<string> = new Set(['id', 'email', 'phone_number', 'external_id']);

function profilesNamed({ resources }: ApiCall, { field, values }: FilterTerm): Profile[] {
  const found = values.map((value) =>
    field === 'id'
      ? resources.profiles.get(String(value))
      : resources.findProfile({ [field]: value }),
  );
  return [...new Set(found.filter((profile) => profile !== undefined))].sort(
    (one, other) => one.seq - other.seq,
  );
}
