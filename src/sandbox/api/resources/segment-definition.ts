import { z } from 'zod';
import { isJsonObject, textOf, type JsonObject, type JsonValue } from '../../state/json.ts';
import type { Profile } from '../../state/profile.ts';
import type { ApiCall } from '../api-call.ts';
import { valueAt } from '../query/sparse.ts';
import { freeObject } from './profile-attributes.ts';

/** Groups that must all hold, of conditions one of which must hold (documented). */
export const segmentDefinition = z.strictObject({
  condition_groups: z.array(z.strictObject({ conditions: z.array(freeObject).min(1) })).min(1),
});

type Test = (profile: Profile) => boolean;

/**
 * Reads a definition: conditions on a profile's own text and on its lists.
 *
 * @returns `undefined` where the definition asks for more, or is none: then only the seed puts
 *   profiles into the segment
 */
export function readDefinition(call: ApiCall, definition: JsonValue | undefined): Test | undefined {
  const parsed = segmentDefinition.safeParse(definition);
  if (!parsed.success) return undefined;
  const groups = parsed.data.condition_groups.map(({ conditions }) =>
    conditions.map((condition) => readCondition(call, condition)),
  );
  if (groups.flat().includes(undefined)) return undefined;
  return (profile) => groups.every((group) => group.some((test) => test?.(profile) === true));
}

function readCondition(call: ApiCall, condition: JsonObject): Test | undefined {
  switch (condition['type']) {
    case 'profile-property':
      return readProperty(condition);
    case 'profile-group-membership':
      return readMembership(call, condition);
    default:
      return undefined;
  }
}

const texts: Readonly<Record<string, (own: string, wanted: string) => boolean>> = {
  equals: (own, wanted) => own === wanted,
  'not-equals': (own, wanted) => own !== wanted,
  contains: (own, wanted) => own.includes(wanted),
  'not-contains': (own, wanted) => !own.includes(wanted),
  'starts-with': (own, wanted) => own.startsWith(wanted),
  'ends-with': (own, wanted) => own.endsWith(wanted),
};

function readProperty({ property, filter }: JsonObject): Test | undefined {
  if (typeof property !== 'string' || !isJsonObject(filter)) return undefined;
  // Custom properties are named `properties['tier']`.
  const path = property.replace(/^properties\[['"](.+)['"]\]$/, 'properties.$1');
  const read = (profile: Profile) => valueAt(profile.attributes, path);
  const { type, operator, value } = filter;
  if (type === 'existence') {
    return (profile) => (read(profile) != null) === (operator === 'is-set');
  }
  const test = type === 'string' ? texts[textOf(operator)] : undefined;
  if (!test || typeof value !== 'string') return undefined;
  const wanted = value.toLowerCase();
  return (profile) => {
    const own = read(profile);
    return test(typeof own === 'string' ? own.toLowerCase() : '', wanted);
  };
}

function readMembership(
  call: ApiCall,
  { is_member: isMember, group_ids: ids }: JsonObject,
): Test | undefined {
  if (!Array.isArray(ids)) return undefined;
  const lists = (ids as readonly unknown[]).map(String);
  return ({ id }) =>
    lists.some((list) => call.resources.memberships.has(list, id)) === (isMember !== false);
}
