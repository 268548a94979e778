import { z } from 'zod';
import { ulid } from '../ids.ts';
import type { Reply } from '../http/reply.ts';
import { profileIdentifiers } from '../state/account-resources.ts';
import type { JsonObject, Profile } from '../state/records.ts';
import type { ApiCall, ApiHandler } from './api-call.ts';
import { readBody } from './body.ts';
import { dataReply, isoTime, selfLink, type Resource } from './json-api.ts';
import {
  mergeAttributes,
  profileAttributes,
  type ProfileAttributes,
} from './profile-attributes.ts';
import { readPage, refuseQuery } from './query.ts';

const createSchema = z.strictObject({
  data: z.strictObject({
    type: z.literal('profile'),
    attributes: profileAttributes,
    meta: z.unknown().optional(),
  }),
});

const updateSchema = z.strictObject({
  data: z.strictObject({
    type: z.literal('profile'),
    id: z.string(),
    attributes: profileAttributes.default({}),
    meta: z.unknown().optional(),
  }),
});

/** `GET /api/profiles`: in the order of creation. */
export const getProfiles: ApiHandler = (call) => {
  const read = readPage(call, call.resources.profiles, { defaultSize: 20, maxSize: 100 });
  if ('refusal' in read) return read.refusal;
  const { items, links } = read.page;
  return dataReply(
    200,
    items.map((profile) => profileResource(call, profile)),
    links,
  );
};

/** `GET /api/profiles/{id}` */
export const getProfile: ApiHandler = (call) => {
  const profile = call.resources.profiles.get(call.params['id'] ?? '');
  if (!profile) return call.errors.notFound('profile', call.params['id'] ?? '');
  return refuseQuery(call) ?? dataReply(200, profileResource(call, profile));
};

/** `POST /api/profiles`: each identifier belongs to one profile of the account, else 409. */
export const createProfile: ApiHandler = (call) => {
  const refusal = refuseQuery(call);
  if (refusal) return refusal;
  const read = readBody(call, createSchema);
  if ('refusal' in read) return read.refusal;
  const { attributes, meta } = read.body.data;
  if (meta !== undefined) return call.errors.notImplemented('data.meta of a profile');
  if (!hasIdentifier(attributes)) return identifierNeeded(call, '/data/attributes');
  const conflict = call.resources.findConflict(attributes as JsonObject);
  if (conflict) return duplicateProfile(call, conflict);
  return dataReply(201, profileResource(call, addProfile(call, attributes)));
};

/** `PATCH /api/profiles/{id}`: what is left out stays, null clears, properties are merged. */
export const updateProfile: ApiHandler = (call) => {
  const id = call.params['id'] ?? '';
  const profile = call.resources.profiles.get(id);
  if (!profile) return call.errors.notFound('profile', id);
  const refusal = refuseQuery(call);
  if (refusal) return refusal;
  const read = readBody(call, updateSchema);
  if ('refusal' in read) return read.refusal;
  const { data } = read.body;
  if (data.meta !== undefined) return call.errors.notImplemented('data.meta of a profile');
  if (data.id !== id) {
    return call.errors.invalid('The id must be the one in the path.', { pointer: '/data/id' });
  }
  const conflict = call.resources.findConflict(data.attributes as JsonObject, id);
  if (conflict) return duplicateProfile(call, conflict);
  return dataReply(200, profileResource(call, changeProfile(call, profile, data.attributes)));
};

/** Whether the attributes say whose profile it is. */
export function hasIdentifier(attributes: ProfileAttributes): boolean {
  return profileIdentifiers.some((name) => typeof attributes[name] === 'string');
}

/** 400 for a profile nobody could find again. */
export function identifierNeeded(call: ApiCall, pointer: string): Reply {
  const detail = `One of ${profileIdentifiers.join(', ')} must be supplied.`;
  return call.errors.invalid(detail, { pointer });
}

/** Adds a profile to the caller's account. */
export function addProfile(call: ApiCall, attributes: ProfileAttributes): Profile {
  const nowMs = call.context.clock.now();
  return call.resources.addProfile({
    id: ulid(call.context.random, nowMs),
    attributes: mergeAttributes({}, attributes),
    createdMs: nowMs,
    updatedMs: nowMs,
    lastEventMs: null,
  });
}

/** Changes a profile of the caller's account. */
export function changeProfile(
  call: ApiCall,
  profile: Profile,
  attributes: ProfileAttributes,
): Profile {
  const changed = {
    ...profile,
    attributes: mergeAttributes(profile.attributes, attributes),
    updatedMs: call.context.clock.now(),
  };
  call.resources.replaceProfile(changed);
  return changed;
}

function duplicateProfile(call: ApiCall, existing: Profile): Reply {
  return call.errors.error({
    status: 409,
    code: 'duplicate_profile',
    title: 'Conflict.',
    detail: 'A profile already exists with one of these identifiers.',
    source: { pointer: '/data/attributes' },
    meta: { duplicate_profile_id: existing.id },
  });
}

const shownAttributes = [
  'email',
  'phone_number',
  'external_id',
  'anonymous_id',
  'first_name',
  'last_name',
  'organization',
  'locale',
  'title',
  'image',
] as const;

function profileResource(call: ApiCall, profile: Profile): Resource {
  const { attributes, lastEventMs } = profile;
  return {
    type: 'profile',
    id: profile.id,
    attributes: {
      ...Object.fromEntries(shownAttributes.map((name) => [name, attributes[name] ?? null])),
      created: isoTime(profile.createdMs),
      updated: isoTime(profile.updatedMs),
      last_event_date: lastEventMs === null ? null : isoTime(lastEventMs),
      location: attributes['location'] ?? {},
      properties: attributes['properties'] ?? {},
    },
    links: { self: selfLink(call, 'profiles', profile.id) },
  };
}
