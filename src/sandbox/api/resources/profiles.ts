import { z } from 'zod';
import { ulid } from '../../ids.ts';
import type { ApiReply } from '../../context/api-error.ts';
import { profileIdentifiers, type Profile } from '../../state/profile.ts';
import type { JsonObject } from '../../state/json.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { itemReply, listReply, presentReply } from '../resource-kind.ts';
import {
  mergeAttributes,
  profileAttributes,
  type AnyProfileAttributes,
} from './profile-attributes.ts';
import { profileCandidates, profileFilters, profileKind } from './profile-kind.ts';
import { patchProperties, profileMeta, refuseMeta, type ProfileMeta } from './profile-meta.ts';

const createSchema = z.strictObject({
  data: z.strictObject({
    type: z.literal('profile'),
    attributes: profileAttributes,
    meta: profileMeta,
  }),
});

const updateSchema = z.strictObject({
  data: z.strictObject({
    type: z.literal('profile'),
    id: z.string(),
    attributes: profileAttributes.default({}),
    meta: profileMeta,
  }),
});

/** A profile as `POST /api/profile-import` and the bulk jobs take it. */
export const upsertProfile = z.strictObject({
  type: z.literal('profile'),
  id: z.string().nullish(),
  attributes: profileAttributes.default({}),
  meta: profileMeta,
});

const upsertSchema = z.strictObject({ data: upsertProfile });

const getProfiles: ApiHandler = (call) =>
  listReply(call, profileKind, (query) => profileCandidates(call, query), {
    filter: profileFilters,
  });

const getProfile: ApiHandler = (call) => {
  const profile = call.resources.profiles.get(call.params['id'] ?? '');
  if (!profile) return call.errors.notFound('profile', call.params['id'] ?? '');
  return itemReply(call, profileKind, profile);
};

/** `POST /api/profiles`: each identifier belongs to one profile of the account, else 409. */
const createProfile: ApiHandler = (call) => {
  const read = readWrite(call, createSchema);
  if ('refusal' in read) return read.refusal;
  const { attributes, meta } = read.body.data;
  const refused = refuseMeta(call, meta);
  if (refused) return refused;
  if (!hasIdentifier(attributes)) return identifierNeeded(call, '/data/attributes');
  const conflict = call.resources.findConflict(attributes as JsonObject);
  if (conflict) return duplicateProfile(call, conflict);
  return presentReply(call, read.query, profileKind, addProfile(call, attributes, meta), 201);
};

/** `PATCH /api/profiles/{id}`: what is left out stays, null clears, properties are merged. */
const updateProfile: ApiHandler = (call) => {
  const id = call.params['id'] ?? '';
  const profile = call.resources.profiles.get(id);
  if (!profile) return call.errors.notFound('profile', id);
  const read = readWrite(call, updateSchema);
  if ('refusal' in read) return read.refusal;
  const { data } = read.body;
  const refused = refuseMeta(call, data.meta);
  if (refused) return refused;
  if (data.id !== id) {
    return call.errors.invalid('The id must be the one in the path.', { pointer: '/data/id' });
  }
  const conflict = call.resources.findConflict(data.attributes as JsonObject, id);
  if (conflict) return duplicateProfile(call, conflict);
  const changed = changeProfile(call, profile, data.attributes, data.meta);
  return presentReply(call, read.query, profileKind, changed, 200);
};

/** `POST /api/profile-import`: 201 for a new profile, 200 for one that its id or identifiers name. */
const createOrUpdateProfile: ApiHandler = (call) => {
  const read = readWrite(call, upsertSchema);
  if ('refusal' in read) return read.refusal;
  const { data } = read.body;
  const refused = refuseMeta(call, data.meta);
  if (refused) return refused;
  const written = writeProfile(call, data);
  switch (written.outcome) {
    case 'unknown':
      return call.errors.notFound('profile', data.id ?? '');
    case 'nameless':
      return identifierNeeded(call, '/data/attributes');
    case 'conflict':
      return duplicateProfile(call, written.profile);
    case 'created':
      return presentReply(call, read.query, profileKind, written.profile, 201);
    case 'updated':
      return presentReply(call, read.query, profileKind, written.profile, 200);
  }
};

/** What became of a profile that was to be created or updated. */
export type Written =
  { readonly outcome: 'created' | 'updated'; readonly profile: Profile } | NotWritten;

/** Why a profile was not written; at a conflict, whose the identifier is. */
export type NotWritten =
  | { readonly outcome: 'conflict'; readonly profile: Profile }
  | { readonly outcome: 'unknown' | 'nameless' };

/** Updates the profile that the id, else an identifier names; creates it where there is none. */
export function writeProfile(call: ApiCall, data: z.infer<typeof upsertProfile>): Written {
  const { id, attributes, meta } = data;
  const found = id == null ? findProfile(call, attributes) : call.resources.profiles.get(id);
  if (!found) {
    if (id != null) return { outcome: 'unknown' };
    if (!hasIdentifier(attributes)) return { outcome: 'nameless' };
    return { outcome: 'created', profile: addProfile(call, attributes, meta) };
  }
  const conflict = call.resources.findConflict(attributes as JsonObject, found.id);
  if (conflict) return { outcome: 'conflict', profile: conflict };
  return { outcome: 'updated', profile: changeProfile(call, found, attributes, meta) };
}

/** The profile that holds one of the identifiers. */
export function findProfile(call: ApiCall, attributes: AnyProfileAttributes): Profile | undefined {
  return call.resources.findProfile(attributes as JsonObject);
}

/** Whether the attributes say whose profile it is. */
export function hasIdentifier(attributes: AnyProfileAttributes): boolean {
  return profileIdentifiers.some((name) => typeof attributes[name] === 'string');
}

/** 400 for a profile nobody could find again. */
export function identifierNeeded(call: ApiCall, pointer: string): ApiReply {
  const detail = `One of ${profileIdentifiers.join(', ')} must be supplied.`;
  return call.errors.invalid(detail, { pointer });
}

/** Adds a profile to the caller's account. */
export function addProfile(
  call: ApiCall,
  attributes: AnyProfileAttributes,
  meta?: ProfileMeta,
): Profile {
  const nowMs = call.context.clock.now();
  return call.resources.addProfile({
    id: ulid(call.context.random, nowMs),
    attributes: patchProperties(mergeAttributes({}, attributes), meta),
    createdMs: nowMs,
    updatedMs: nowMs,
    lastEventMs: null,
  });
}

/** Changes a profile of the caller's account. */
export function changeProfile(
  call: ApiCall,
  profile: Profile,
  attributes: AnyProfileAttributes,
  meta?: ProfileMeta,
): Profile {
  const changed = {
    ...profile,
    attributes: patchProperties(mergeAttributes(profile.attributes, attributes), meta),
    updatedMs: call.context.clock.now(),
  };
  call.resources.replaceProfile(changed);
  return changed;
}

function duplicateProfile(call: ApiCall, existing: Profile): ApiReply {
  return call.errors.error({
    status: 409,
    code: 'duplicate_profile',
    title: 'Conflict.',
    detail: 'A profile already exists with one of these identifiers.',
    source: { pointer: '/data/attributes' },
    meta: { duplicate_profile_id: existing.id },
  });
}

export const profileHandlers: HandlerTable = {
  get_profiles: getProfiles,
  create_profile: createProfile,
  get_profile: getProfile,
  update_profile: updateProfile,
  create_or_update_profile: createOrUpdateProfile,
};
