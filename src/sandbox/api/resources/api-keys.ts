import { z } from 'zod';
import { operations, betaOperations } from '../../../klaviyo/operations.ts';
import { keyIdOf } from '../../ids.ts';
import type { ApiKey, KeyScopes } from '../../state/api-key.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { isoTime } from '../json-api.ts';
import { itemReply, listReply, presentReply, type ResourceKind } from '../resource-kind.ts';
import { wrongId } from '../stored-kind.ts';
import { nameText } from './bodies.ts';

/** A key as the beta endpoints show it. Its id tells nothing about its value. */
interface ShownKey {
  readonly id: string;
  readonly seq: number;
  readonly key: ApiKey;
}

/** When keys that do not say were created. */
const sampleCreationMs = Date.UTC(2024, 0, 1);

/** The attributes are documented; the form of the ids is made up. */
const keyKind: ResourceKind<ShownKey> = {
  type: 'api-key',
  path: 'api-keys',
  attributes: (_, { key }) => ({
    name: key.name,
    status: key.status,
    scopes: scopesOf(key.scopes),
    created: isoTime(key.createdMs ?? sampleCreationMs),
  }),
  additional: { redacted_key: (_, { key }) => `pk_****${key.key.slice(-4)}` },
};

const allScopes = [
  ...new Set([...operations, ...betaOperations].flatMap(({ scopes }) => scopes)),
].sort();

function scopesOf(scopes: KeyScopes): readonly string[] {
  if (scopes === 'full') return allScopes;
  return scopes === 'read-only' ? allScopes.filter((scope) => scope.endsWith(':read')) : scopes;
}

function keysOf({ context, caller }: ApiCall): ShownKey[] {
  return context.state
    .keysOf(caller.account.id)
    .map((key, index) => ({ id: keyIdOf(key.key), seq: index + 1, key }));
}

const getKeys: ApiHandler = (call) => listReply(call, keyKind, keysOf(call));

const getKey: ApiHandler = (call) => {
  const id = call.params['id'] ?? '';
  const found = keysOf(call).find((key) => key.id === id);
  return found ? itemReply(call, keyKind, found) : call.errors.notFound('api-key', id);
};

const updateBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('api-key'),
    id: z.string(),
    attributes: z.strictObject({
      name: nameText.optional(),
      status: z.enum(['active', 'disabled']).optional(),
      scopes: z.array(z.enum(allScopes)).optional(),
    }),
  }),
});

/** `PATCH /api/api-keys/{id}`: a disabled key stops authenticating at once, also this one. */
const updateKey: ApiHandler = (call) => {
  const id = call.params['id'] ?? '';
  const found = keysOf(call).find((key) => key.id === id);
  if (!found) return call.errors.notFound('api-key', id);
  const read = readWrite(call, updateBody);
  if ('refusal' in read) return read.refusal;
  const { data } = read.body;
  if (data.id !== id) return wrongId(call);
  const { name, status, scopes } = data.attributes;
  const key: ApiKey = {
    ...found.key,
    ...(name === undefined ? {} : { name }),
    ...(status === undefined ? {} : { status }),
    ...(scopes === undefined ? {} : { scopes }),
  };
  call.context.state.keys.set(key.key, key);
  return presentReply(call, read.query, keyKind, { ...found, key }, 200);
};

export const apiKeyHandlers: HandlerTable = {
  get_api_keys_beta: getKeys,
  get_api_key_beta: getKey,
  update_api_key_beta: updateKey,
};
