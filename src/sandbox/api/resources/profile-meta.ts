import { z } from 'zod';
import type { ApiReply } from '../../context/api-error.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../state/json.ts';
import type { ApiCall } from '../api-call.ts';
import { freeObject } from './profile-attributes.ts';

/** Patch operations of a profile, `data.meta` of the calls that write one. */
export const profileMeta = z
  .strictObject({
    patch_properties: z
      .strictObject({
        append: freeObject.nullish(),
        unappend: freeObject.nullish(),
        unset: z.union([z.string(), z.array(z.string())]).nullish(),
      })
      .nullish(),
    patch_identifiers: z.unknown().optional(),
  })
  .nullish();

export type ProfileMeta = z.infer<typeof profileMeta>;

/** 501 for the part of the patch operations that the sandbox lacks. */
export function refuseMeta(call: ApiCall, meta: ProfileMeta): ApiReply | undefined {
  return meta?.patch_identifiers == null
    ? undefined
    : call.errors.notImplemented('data.meta.patch_identifiers of a profile');
}

/**
 * Applies the patch operations to custom properties: `append` and `unappend` add to and take from
 * lists, `unset` removes properties.
 */
export function patchProperties(attributes: JsonObject, meta: ProfileMeta): JsonObject {
  const patch = meta?.patch_properties;
  if (!patch) return attributes;
  const before = attributes['properties'];
  const properties: Record<string, JsonValue> = { ...(isJsonObject(before) ? before : {}) };
  for (const [name, value] of Object.entries(patch.append ?? {})) {
    properties[name] = [...listOf(properties[name]), ...listOf(value)];
  }
  for (const [name, value] of Object.entries(patch.unappend ?? {})) {
    const gone = new Set(listOf(value).map((item) => JSON.stringify(item)));
    properties[name] = listOf(properties[name]).filter((item) => !gone.has(JSON.stringify(item)));
  }
  for (const name of typeof patch.unset === 'string' ? [patch.unset] : (patch.unset ?? [])) {
    delete properties[name];
  }
  return { ...attributes, properties };
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  if (value == null) return [];
  return Array.isArray(value) ? (value as JsonValue[]) : [value];
}
