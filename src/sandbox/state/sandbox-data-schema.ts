import { z } from 'zod';
import { isJsonObject } from '../json-object.ts';
import { userRoles, type JsonObject } from './records.ts';
import type { SandboxData } from './sandbox-state.ts';

const text = z.string();
const ms = z.number();
const texts = z.array(text);
const object = z.custom<JsonObject>(isJsonObject, 'must be an object');
const stored = { id: text, seq: z.number().int().positive() };

const install = z.object({
  clientId: text,
  accountId: text,
  installedAtMs: ms,
  scopes: texts,
  accessTokens: z.array(z.object({ token: text, scopes: texts, expiresAtMs: ms })),
  refreshTokens: z.array(
    z.object({
      token: text,
      familyId: text,
      status: z.enum(['live', 'grace', 'replaced']),
      lastUsedMs: ms,
    }),
  ),
});

const metric = z.object({
  ...stored,
  name: text,
  integration: z.object({
    object: z.enum(['integration', 'application']),
    id: text,
    key: text,
    name: text,
    category: z.union([text, z.object({ id: z.number(), category: text })]),
  }),
  createdMs: ms,
  updatedMs: ms,
  lastKeyEventMs: ms.optional(),
});

const storedResource = z.object({
  ...stored,
  attributes: object,
  createdMs: ms,
  updatedMs: ms,
  related: z.record(text, texts).optional(),
});

/** Checks the data of a state file, which people may edit. */
export const sandboxDataSchema: z.ZodType<SandboxData> = z.object({
  accounts: z.array(z.object({ id: text, name: text, email: text, testAccount: z.boolean() })),
  keys: z.array(
    z.object({
      key: text,
      accountId: text,
      name: text,
      scopes: z.union([z.enum(['full', 'read-only']), texts]),
      status: z.enum(['active', 'disabled']),
      createdMs: ms.optional(),
    }),
  ),
  apps: z.array(
    z.object({
      clientId: text,
      clientSecret: text,
      name: text,
      redirectUris: texts,
      scopes: texts,
      installationUrl: text.optional(),
      unverified: z.boolean().optional(),
      previousSecrets: z.array(z.object({ secret: text, diesAtMs: ms })).optional(),
    }),
  ),
  users: z.array(z.object({ email: text, accountIds: texts, role: z.enum(userRoles).optional() })),
  installs: z.array(install),
  codes: z.array(
    z.object({
      code: text,
      clientId: text,
      accountId: text,
      redirectUri: text,
      scopes: texts,
      codeChallenge: text,
      expiresAtMs: ms,
    }),
  ),
  resources: z.array(
    z.object({
      accountId: text,
      profiles: z.array(
        z.object({
          ...stored,
          attributes: object,
          createdMs: ms,
          updatedMs: ms,
          lastEventMs: ms.nullable(),
          subscriptions: object.optional(),
        }),
      ),
      metrics: z.array(metric),
      events: z.array(
        z.object({
          ...stored,
          uuid: text,
          profileId: text,
          metricId: text,
          uniqueId: text,
          timeMs: ms,
          properties: object,
        }),
      ),
      others: z.record(text, z.array(storedResource)).optional(),
      memberships: z.array(z.object({ groupId: text, profileId: text, joinedMs: ms })).optional(),
    }),
  ),
});
