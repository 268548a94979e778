import { seededKinds } from '../api/resource-registry.ts';
import type { Named, SeededKind, SeededNames, SeedProblem } from '../api/seeded-kind.ts';
import { stableShortId, stableUlid } from '../ids.ts';
import type { StoredEvent } from '../state/event.ts';
import type { Membership } from '../state/memberships.ts';
import { apiIntegration, klaviyoIntegration, type Metric } from '../state/metric.ts';
import type { Profile } from '../state/profile.ts';
import type { AccountResourcesData } from '../state/sandbox-data.ts';
import type { SeedAccount } from './seed.ts';

/**
 * What a seed puts into an account, made when somebody asks: most accounts are never used. Ids
 * depend on the seed only, so that they are the same after every start.
 */
export class SeededResources implements AccountResourcesData {
  readonly #account: SeedAccount;
  readonly #nowMs: number;

  constructor(account: SeedAccount, nowMs: number) {
    this.#account = account;
    this.#nowMs = nowMs;
  }

  get accountId(): string {
    return this.#account.id;
  }

  get metrics(): readonly Metric[] {
    return (this.#account.metrics ?? []).map(({ name, integration = 'api' }, index) => ({
      ...this.#stored(index, metricId(this.#account, name, integration)),
      name,
      integration: integration === 'api' ? apiIntegration : klaviyoIntegration,
    }));
  }

  get profiles(): readonly Profile[] {
    return (this.#account.profiles ?? []).map((attributes, index) => ({
      ...this.#stored(index, profileId(this.#account, index)),
      attributes,
      lastEventMs: null,
    }));
  }

  get events(): readonly StoredEvent[] {
    return [];
  }

  get others(): AccountResourcesData['others'] {
    const account = this.#account;
    const seeded = seededIn(account);
    if (seeded.length === 0) return undefined;
    const names = namesOf(account);
    return Object.fromEntries(
      seeded.map(({ kind, items }) => [
        kind.type,
        items.map((item, index) => ({
          ...this.#stored(index, resourceId(account, kind.type, item.name)),
          attributes: { name: item.name, ...kind.attributes(item) },
          ...(kind.related ? { related: kind.related(item, names) } : {}),
        })),
      ]),
    );
  }

  get memberships(): AccountResourcesData['memberships'] {
    const memberships = seededIn(this.#account).flatMap(({ kind, items }) =>
      items.flatMap((item) => membersOf(this.#account, kind, item, this.#nowMs)),
    );
    return memberships.length > 0 ? memberships : undefined;
  }

  #stored(index: number, id: string) {
    return { seq: index + 1, id, createdMs: this.#nowMs, updatedMs: this.#nowMs };
  }
}

/** The kinds that a seed gives an account, with what it gives. */
function seededIn(account: SeedAccount) {
  const kinds: [string, SeededKind][] = Object.entries(seededKinds);
  return kinds.flatMap(([name, kind]) => {
    const items: readonly Named[] | undefined = account[name as keyof typeof seededKinds];
    return items ? [{ name, kind, items }] : [];
  });
}

/** Finds a name that an account of a seed uses twice or that leads nowhere. */
export function findSeedProblem(account: SeedAccount): SeedProblem | undefined {
  const seeded = seededIn(account);
  for (const { name, items } of seeded) {
    const names = items.map((item) => item.name);
    const twice = names.findIndex((each, at) => names.indexOf(each) < at);
    if (twice >= 0) return { place: `${name}[${twice}].name`, message: 'is used twice' };
  }
  const emails = new Set(account.profiles?.map((profile) => profile['email']));
  for (const { name, kind, items } of seeded) {
    for (const [index, item] of items.entries()) {
      const stranger = kind.members?.(item).findIndex((email) => !emails.has(email)) ?? -1;
      const message = 'is not the email of a profile of the account';
      if (stranger >= 0) return { place: `${name}[${index}].profiles[${stranger}]`, message };
      const problem = kind.findProblem?.(item, namesOf(account));
      if (problem) return { ...problem, place: `${name}[${index}].${problem.place}` };
    }
  }
  return undefined;
}

function namesOf(account: SeedAccount): SeededNames {
  return {
    idOf(type, name) {
      if (type === 'metric') {
        const metric = account.metrics?.find((each) => each.name === name);
        return metric && metricId(account, name, metric.integration);
      }
      const { items = [] } = seededIn(account).find(({ kind }) => kind.type === type) ?? {};
      return items.some((item) => item.name === name) ? resourceId(account, type, name) : undefined;
    },
  };
}

function membersOf(
  account: SeedAccount,
  kind: SeededKind,
  item: Named,
  joinedMs: number,
): Membership[] {
  const groupId = resourceId(account, kind.type, item.name);
  return (kind.members?.(item) ?? []).flatMap((email) => {
    const index = account.profiles?.findIndex((profile) => profile['email'] === email) ?? -1;
    return index < 0 ? [] : [{ groupId, profileId: profileId(account, index), joinedMs }];
  });
}

function metricId(account: SeedAccount, name: string, integration = 'api'): string {
  return stableShortId(`metric:${account.id}:${integration}:${name}`);
}

function profileId(account: SeedAccount, index: number): string {
  return stableUlid(`profile:${account.id}:${index}`);
}

function resourceId(account: SeedAccount, type: string, name: string): string {
  return stableShortId(`${type}:${account.id}:${name}`);
}
