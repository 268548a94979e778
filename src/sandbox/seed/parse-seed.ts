import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { describeIssue } from '../describe-issue.ts';
import { findSeedProblem } from './seeded-resources.ts';
import { createSampleSeed } from './sample-seed.ts';
import { seedSchema, type SeedFile } from './seed-schema.ts';
import type { SandboxSeed } from './seed.ts';

/**
 * Checks a seed, such as one read from a file, and adds the sample accounts it asks for. A seed
 * with `sample` may leave out accounts and apps.
 *
 * @throws {@link KeyshiftError} `config_invalid`, naming the place and what was expected there,
 *   never the value: it may be a secret
 */
export function parseSeed(value: unknown): SandboxSeed {
  const parsed = seedSchema.safeParse(value);
  if (!parsed.success) {
    const { place, message } = describeIssue(parsed.error);
    throw seedError(place || 'the whole seed', message);
  }
  const seed = withSample(parsed.data);
  checkReferences(seed);
  return seed;
}

function withSample(file: SeedFile): SandboxSeed {
  const { $schema: _, sample, accounts, apps, ...rest } = file;
  if (sample === undefined) {
    if (accounts === undefined) throw seedError('accounts', 'must be given, or sample');
    if (apps === undefined) throw seedError('apps', 'must be given, or sample');
    return { accounts, apps, ...rest };
  }
  const { accounts: customers, randomSeed } = sample;
  const seed = randomSeed === undefined ? {} : { seed: randomSeed };
  const made = createSampleSeed({ customers, ...seed });
  return { accounts: [...(accounts ?? []), ...made.accounts], apps: apps ?? made.apps, ...rest };
}

function checkReferences(parsed: SandboxSeed): void {
  const accountIds = new Set<string>();
  const keys = new Set<string>();
  const clientIds = new Set<string>();
  for (const [index, account] of parsed.accounts.entries()) {
    const { id, keys: own } = account;
    claim(accountIds, id, `accounts[${index}].id`);
    const problem = findSeedProblem(account);
    if (problem) throw seedError(`accounts[${index}].${problem.place}`, problem.message);
    for (const [keyIndex, { key: value }] of own.entries()) {
      claim(keys, value, `accounts[${index}].keys[${keyIndex}].key`);
    }
  }
  for (const [index, { clientId }] of parsed.apps.entries()) {
    claim(clientIds, clientId, `apps[${index}].clientId`);
  }
  for (const [index, { accounts }] of (parsed.users ?? []).entries()) {
    for (const [accountIndex, id] of accounts.entries()) {
      const place = `users[${index}].accounts[${accountIndex}]`;
      if (!accountIds.has(id)) throw seedError(place, 'is not the id of an account of the seed');
    }
  }
  checkInstalls(parsed, accountIds);
}

function checkInstalls({ installs = [], apps }: SandboxSeed, accountIds: Set<string>): void {
  const places = new Set<string>();
  const tokens = new Set<string>();
  for (const [index, install] of installs.entries()) {
    const place = `installs[${index}]`;
    const app = apps.find(({ clientId }) => clientId === install.clientId);
    if (!app) throw seedError(`${place}.clientId`, 'is not the id of an app of the seed');
    if (!accountIds.has(install.accountId)) {
      throw seedError(`${place}.accountId`, 'is not the id of an account of the seed');
    }
    claim(places, `${install.clientId} ${install.accountId}`, place);
    if (install.scopes?.some((scope) => !app.scopes.includes(scope)) === true) {
      throw seedError(`${place}.scopes`, 'must be among the scopes of the app');
    }
    for (const name of ['accessToken', 'refreshToken'] as const) {
      const token = install[name];
      if (token !== undefined) claim(tokens, token, `${place}.${name}`);
    }
  }
}

function claim(taken: Set<string>, value: string, place: string): void {
  if (taken.has(value)) throw seedError(place, 'is used twice');
  taken.add(value);
}

function seedError(place: string, message: string): KeyshiftError {
  return new KeyshiftError(
    'config_invalid',
    `The sandbox seed is not valid: ${place}: ${message}.`,
    {
      fix: 'Correct the place the message names in the seed.',
    },
  );
}
