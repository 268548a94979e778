import { z } from 'zod';
import { isJsonObject, type JsonObject, type JsonValue } from '../../state/json.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { dataReply, emptyReply, selfLink } from '../json-api.ts';
import { identifierOf } from './bodies.ts';
import { profileAttributes } from './profile-attributes.ts';
import { findProfile } from './profiles.ts';

const deletionBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('data-privacy-deletion-job'),
    attributes: z.strictObject({
      profile: z.strictObject({
        data: z.strictObject({
          type: z.literal('profile'),
          id: z.string().nullish(),
          attributes: profileAttributes.pick({ email: true, phone_number: true }).default({}),
        }),
      }),
    }),
  }),
});

/**
 * `POST /api/data-privacy-deletion-jobs`: forgets a profile with its events, named by one of id,
 * email and phone number (documented). Nobody of that name is 404 (recorded).
 */
const requestDeletion: ApiHandler = (call) => {
  const read = readWrite(call, deletionBody);
  if ('refusal' in read) return read.refusal;
  const { id, attributes } = read.body.data.attributes.profile.data;
  const given = [id, attributes.email, attributes.phone_number].filter((value) => value != null);
  if (given.length !== 1) {
    const pointer = '/data/attributes/profile/data';
    return call.errors.invalid('Give one of id, email and phone_number.', { pointer });
  }
  const found = id == null ? findProfile(call, attributes) : call.resources.profiles.get(id);
  if (!found) {
    return call.errors.notFound('profile', id ?? attributes.email ?? attributes.phone_number ?? '');
  }
  call.context.later(() => {
    const current = call.resources.profiles.get(found.id);
    if (current) call.resources.removeProfile(current);
  });
  return emptyReply(202);
};

const mergeBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('profile-merge'),
    id: z.string(),
    relationships: z.strictObject({
      profiles: z.strictObject({ data: z.array(identifierOf('profile')).length(1) }),
    }),
  }),
});

/**
 * `POST /api/profile-merge`: the source's attributes fill what the destination lacks, its events and
 * memberships move, and it is gone (documented).
 */
const mergeProfiles: ApiHandler = (call) => {
  const read = readWrite(call, mergeBody);
  if ('refusal' in read) return read.refusal;
  const { id, relationships } = read.body.data;
  const sourceId = relationships.profiles.data[0]?.id ?? '';
  const [destination, source] = [id, sourceId].map((one) => call.resources.profiles.get(one));
  if (!destination) return call.errors.notFound('profile', id);
  if (!source) return call.errors.notFound('profile', sourceId);
  if (id === sourceId) return call.errors.invalid('A profile cannot be merged into itself.');
  call.context.later(() => mergeInto(call, id, sourceId));
  const links = { self: selfLink(call, 'profiles', id) };
  return dataReply(call, 202, { type: 'profile', id, attributes: {}, links });
};

function mergeInto(call: ApiCall, id: string, sourceId: string): void {
  const [destination, source] = [id, sourceId].map((one) => call.resources.profiles.get(one));
  if (!destination || !source) return;
  call.resources.removeProfile(source, id);
  call.resources.replaceProfile({
    ...destination,
    attributes: filled(destination.attributes, source.attributes),
    updatedMs: call.context.clock.now(),
    lastEventMs: laterOf(destination.lastEventMs, source.lastEventMs),
  });
}

/** Attributes with what they lack from others, within custom properties and location too. */
function filled(attributes: JsonObject, others: JsonObject): JsonObject {
  const merged: Record<string, JsonValue> = { ...attributes };
  for (const [name, other] of Object.entries(others)) {
    const own = attributes[name];
    if (own == null) merged[name] = other;
    else if (isJsonObject(own) && isJsonObject(other)) merged[name] = { ...other, ...own };
  }
  return merged;
}

function laterOf(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}

export const profileEndHandlers: HandlerTable = {
  request_profile_deletion: requestDeletion,
  merge_profiles: mergeProfiles,
};
