import { Collection, type Unnumbered } from './collection.ts';
import { Memberships } from './memberships.ts';
import type { Integration, Metric } from './metric.ts';
import type { JsonObject } from './json.ts';
import { profileIdentifiers, type Profile } from './profile.ts';
import type { AccountResourcesData } from './sandbox-data.ts';
import type { StoredEvent } from './event.ts';
import type { StoredResource } from './stored-resource.ts';

/** Everything in one account, with the look-ups that keep profiles, metrics and events unique. */
export class AccountResources {
  readonly profiles: Collection<Profile>;
  readonly metrics: Collection<Metric>;
  readonly events: Collection<StoredEvent>;
  /** Who is in which list or segment. */
  readonly memberships: Memberships;
  readonly #others: Map<string, Collection<StoredResource>>;
  readonly #profileByIdentifier = new Map<string, string>();
  readonly #metricBySource = new Map<string, string>();
  readonly #eventKeys = new Set<string>();

  constructor(data: AccountResourcesData = { profiles: [], metrics: [], events: [] }) {
    this.profiles = new Collection(data.profiles);
    this.metrics = new Collection(data.metrics);
    this.events = new Collection(data.events);
    this.memberships = new Memberships(data.memberships);
    this.#others = new Map(
      Object.entries(data.others ?? {}).map(([type, items]) => [type, new Collection(items)]),
    );
    for (const profile of this.profiles.all()) this.#indexProfile(profile);
    for (const metric of this.metrics.all()) {
      this.#metricBySource.set(sourceKey(metric), metric.id);
    }
    for (const event of this.events.all()) this.#eventKeys.add(eventKey(event));
  }

  /** The resources of a type that is neither profile nor metric nor event. */
  of(type: string): Collection<StoredResource> {
    let collection = this.#others.get(type);
    if (!collection) this.#others.set(type, (collection = new Collection<StoredResource>()));
    return collection;
  }

  /** The profile that holds one of the identifiers in `attributes`. */
  findProfile(attributes: JsonObject): Profile | undefined {
    for (const key of identifierKeys(attributes)) {
      const id = this.#profileByIdentifier.get(key);
      if (id !== undefined) return this.profiles.get(id);
    }
    return undefined;
  }

  /** The profile other than `id` that already holds one of the identifiers in `attributes`. */
  findConflict(attributes: JsonObject, id?: string): Profile | undefined {
    for (const key of identifierKeys(attributes)) {
      const holder = this.#profileByIdentifier.get(key);
      if (holder !== undefined && holder !== id) return this.profiles.get(holder);
    }
    return undefined;
  }

  addProfile(profile: Unnumbered<Profile>): Profile {
    const stored = this.profiles.add(profile);
    this.#indexProfile(stored);
    return stored;
  }

  replaceProfile(profile: Profile): void {
    const before = this.profiles.get(profile.id);
    for (const key of identifierKeys(before?.attributes ?? {})) {
      this.#profileByIdentifier.delete(key);
    }
    this.profiles.replace(profile);
    this.#indexProfile(profile);
  }

  /** Forgets a profile with its memberships; its events go to another profile or with it. */
  removeProfile(profile: Profile, heirId?: string): void {
    for (const key of identifierKeys(profile.attributes)) this.#profileByIdentifier.delete(key);
    this.profiles.remove(profile.id);
    this.memberships.removeProfile(profile.id, heirId);
    for (const event of this.events.all().filter(({ profileId }) => profileId === profile.id)) {
      this.#eventKeys.delete(eventKey(event));
      const inherited = heirId === undefined ? undefined : { ...event, profileId: heirId };
      if (!inherited || this.#eventKeys.has(eventKey(inherited))) this.events.remove(event.id);
      else {
        this.#eventKeys.add(eventKey(inherited));
        this.events.replace(inherited);
      }
    }
  }

  findMetric(name: string, integration: Integration): Metric | undefined {
    const id = this.#metricBySource.get(sourceKey({ name, integration }));
    return id === undefined ? undefined : this.metrics.get(id);
  }

  /** Puts a changed metric in the place of the one with its number. */
  replaceMetric(metric: Metric): void {
    const before = this.metrics.get(metric.id);
    if (before) this.#metricBySource.delete(sourceKey(before));
    this.metrics.replace(metric);
    this.#metricBySource.set(sourceKey(metric), metric.id);
  }

  addMetric(metric: Unnumbered<Metric>): Metric {
    const stored = this.metrics.add(metric);
    this.#metricBySource.set(sourceKey(stored), stored.id);
    return stored;
  }

  /** Records an event, unless one with its unique id exists for the same profile and metric. */
  addEvent(event: Unnumbered<StoredEvent>): StoredEvent | undefined {
    const key = eventKey(event);
    if (this.#eventKeys.has(key)) return undefined;
    this.#eventKeys.add(key);
    return this.events.add(event);
  }

  toData(): AccountResourcesData {
    return {
      profiles: this.profiles.all(),
      metrics: this.metrics.all(),
      events: this.events.all(),
      others: Object.fromEntries(
        [...this.#others].map(([type, collection]) => [type, collection.all()]),
      ),
      memberships: this.memberships.all(),
    };
  }

  #indexProfile(profile: Profile): void {
    for (const key of identifierKeys(profile.attributes)) {
      this.#profileByIdentifier.set(key, profile.id);
    }
  }
}

function identifierKeys(attributes: JsonObject): string[] {
  return profileIdentifiers.flatMap((name) => {
    const value = attributes[name];
    if (typeof value !== 'string') return [];
    return [`${name}:${name === 'email' ? value.toLowerCase() : value}`];
  });
}

function sourceKey({ name, integration }: Pick<Metric, 'name' | 'integration'>): string {
  return `${integration.object}:${integration.id}:${name}`;
}

function eventKey(event: Pick<StoredEvent, 'profileId' | 'metricId' | 'uniqueId'>): string {
  return `${event.profileId}:${event.metricId}:${event.uniqueId}`;
}
