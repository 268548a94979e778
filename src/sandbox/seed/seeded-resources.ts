import { stableShortId, stableUlid } from '../ids.ts';
import { apiIntegration, klaviyoIntegration, type Metric } from '../state/metric.ts';
import type { AccountResourcesData } from '../state/sandbox-data.ts';
import type { JsonObject } from '../state/json.ts';
import type { Membership } from '../state/memberships.ts';
import type { Profile } from '../state/profile.ts';
import type { StoredEvent } from '../state/event.ts';
import type { StoredResource } from '../state/stored-resource.ts';
import type { SeedAccount, SeedFlow, SeedGroup } from './seed.ts';

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
    const { lists, segments, flows, templates } = this.#account;
    if (!lists && !segments && !flows && !templates) return undefined;
    return {
      list: (lists ?? []).map(({ name, optIn = 'double_opt_in' }, index) =>
        this.#resource('list', name, index, { opt_in_process: optIn }),
      ),
      segment: (segments ?? []).map(({ name }, index) =>
        this.#resource('segment', name, index, segmentAttributes),
      ),
      flow: (flows ?? []).map((flow, index) => ({
        ...this.#resource('flow', flow.name, index, flowAttributes(flow)),
        related: flowTrigger(this.#account, flow),
      })),
      template: (templates ?? []).map(({ name, html }, index) =>
        this.#resource('template', name, index, { ...templateAttributes, html }),
      ),
    };
  }

  get memberships(): AccountResourcesData['memberships'] {
    const { lists, segments } = this.#account;
    if (!lists && !segments) return undefined;
    return [
      ...(lists ?? []).flatMap((list) => members(this.#account, 'list', list, this.#nowMs)),
      ...(segments ?? []).flatMap((group) => members(this.#account, 'segment', group, this.#nowMs)),
    ];
  }

  #stored(index: number, id: string) {
    return { seq: index + 1, id, createdMs: this.#nowMs, updatedMs: this.#nowMs };
  }

  #resource(type: string, name: string, index: number, attributes: JsonObject): StoredResource {
    const id = resourceId(this.#account, type, name);
    return { ...this.#stored(index, id), attributes: { name, ...attributes } };
  }
}

const segmentAttributes: JsonObject = {
  definition: null,
  is_active: true,
  is_processing: false,
  is_starred: false,
};

const templateAttributes: JsonObject = { editor_type: 'CODE', text: null, amp: null };

function flowAttributes({ status = 'live', trigger }: SeedFlow): JsonObject {
  const type = trigger && ('metric' in trigger ? 'Metric' : 'Added to List');
  return { status, archived: false, trigger_type: type ?? 'Unconfigured' };
}

function flowTrigger(account: SeedAccount, { trigger }: SeedFlow): Record<string, string[]> {
  if (!trigger) return {};
  if ('metric' in trigger) {
    const metric = account.metrics?.find(({ name }) => name === trigger.metric);
    return { metrics: [metricId(account, trigger.metric, metric?.integration)] };
  }
  return 'list' in trigger
    ? { lists: [resourceId(account, 'list', trigger.list)] }
    : { segments: [resourceId(account, 'segment', trigger.segment)] };
}

function members(
  account: SeedAccount,
  type: 'list' | 'segment',
  { name, profiles = [] }: SeedGroup,
  joinedMs: number,
): Membership[] {
  const groupId = resourceId(account, type, name);
  return profiles.flatMap((email) => {
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
