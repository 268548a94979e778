import { shortId } from '../ids.ts';
import type { Reply } from '../http/reply.ts';
import { apiIntegration, appIntegration } from '../integrations.ts';
import type { JsonObject, Metric, Profile, StoredEvent } from '../state/records.ts';
import type { ApiCall, ApiHandler } from './api-call.ts';
import { readBody } from './body.ts';
import { eventBody, readEventTime, type EventAttributes } from './event-body.ts';
import { dataReply, isoTime, selfLink, type Resource } from './json-api.ts';
import { addProfile, changeProfile, hasIdentifier, identifierNeeded } from './profiles.ts';
import { readPage, refuseQuery } from './query.ts';

/** `GET /api/events`: in the order of arrival. */
export const getEvents: ApiHandler = (call) => {
  const read = readPage(call, call.resources.events, { defaultSize: 200, maxSize: 1_000 });
  if ('refusal' in read) return read.refusal;
  const { items, links } = read.page;
  return dataReply(
    200,
    items.map((event) => eventResource(call, event)),
    links,
  );
};

/** `GET /api/events/{id}` */
export const getEvent: ApiHandler = (call) => {
  const event = call.resources.events.get(call.params['id'] ?? '');
  if (!event) return call.errors.notFound('event', call.params['id'] ?? '');
  return refuseQuery(call) ?? dataReply(200, eventResource(call, event));
};

/**
 * `POST /api/events`: 202 without a body, also for an event that repeats a unique id. Creates the
 * profile and the metric where they do not exist. The metric belongs to whoever sends: `API` for
 * a private key, the app for OAuth, so that one name sent both ways makes two metrics.
 */
export const createEvent: ApiHandler = (call) => {
  const refusal = refuseQuery(call);
  if (refusal) return refusal;
  const read = readBody(call, eventBody);
  if ('refusal' in read) return read.refusal;
  const { attributes } = read.body.data;
  const refused = refuseEvent(call, attributes);
  if (refused) return refused;
  const timeMs = readEventTime(attributes.time, call.context.clock.now());
  if (timeMs === undefined) {
    return call.errors.invalid('Invalid time.', { pointer: '/data/attributes/time' });
  }
  const profile = profileOf(call, attributes);
  if (!profile) {
    const pointer = '/data/attributes/profile/data/id';
    return call.errors.invalid('There is no profile with this id.', { pointer });
  }
  recordEvent(call, attributes, profile, metricOf(call, attributes), timeMs);
  return { status: 202, headers: {}, body: '' };
};

function refuseEvent(call: ApiCall, { profile, metric }: EventAttributes): Reply | undefined {
  const { id, attributes } = profile.data;
  if (attributes.meta !== undefined) return call.errors.notImplemented('meta of a profile');
  if (attributes._kx !== undefined) return call.errors.notImplemented('_kx of a profile');
  const { service } = metric.data.attributes;
  // Klaviyo ignores the service of an OAuth app (documented).
  if (!call.caller.app && service != null && service !== 'api') {
    return call.errors.notImplemented('A metric service other than api');
  }
  if (id != null || hasIdentifier(attributes)) return undefined;
  return identifierNeeded(call, '/data/attributes/profile/data/attributes');
}

function profileOf(call: ApiCall, { profile }: EventAttributes): Profile | undefined {
  const { id, attributes } = profile.data;
  const { meta: _meta, _kx, ...given } = attributes;
  const found =
    id == null ? call.resources.findProfile(given as JsonObject) : call.resources.profiles.get(id);
  if (!found) return id == null ? addProfile(call, given) : undefined;
  // An identifier that belongs to another profile stays there (assumed).
  const conflict = call.resources.findConflict(given as JsonObject, found.id);
  return conflict || Object.keys(given).length === 0 ? found : changeProfile(call, found, given);
}

function metricOf(call: ApiCall, { metric }: EventAttributes): Metric {
  const { name } = metric.data.attributes;
  const integration = call.caller.app ? appIntegration(call.caller.app) : apiIntegration;
  const existing = call.resources.findMetric(name, integration);
  if (existing) return existing;
  const nowMs = call.context.clock.now();
  const id = shortId(call.context.random);
  return call.resources.addMetric({ id, name, integration, createdMs: nowMs, updatedMs: nowMs });
}

function recordEvent(
  call: ApiCall,
  attributes: EventAttributes,
  profile: Profile,
  metric: Metric,
  timeMs: number,
): void {
  const { value, value_currency: currency, properties } = attributes;
  // Without a unique id the second stands in for it (Klaviyo's OpenAPI file).
  const uniqueId = attributes.unique_id ?? String(timeMs / 1_000);
  const recorded = call.resources.addEvent({
    id: shortId(call.context.random, 11),
    uuid: call.context.random.id(),
    profileId: profile.id,
    metricId: metric.id,
    uniqueId,
    timeMs,
    properties: {
      ...properties,
      ...(value == null ? {} : { $value: value }),
      ...(currency == null ? {} : { $value_currency: currency }),
      $event_id: uniqueId,
    },
  });
  if (!recorded) return;
  const lastEventMs = Math.max(profile.lastEventMs ?? timeMs, timeMs);
  call.resources.replaceProfile({ ...profile, lastEventMs });
}

function eventResource(call: ApiCall, event: StoredEvent): Resource {
  const self = selfLink(call, 'events', event.id);
  const relationship = (type: 'profile' | 'metric', id: string) => ({
    data: { type, id },
    links: { self: `${self}relationships/${type}/`, related: `${self}${type}/` },
  });
  return {
    type: 'event',
    id: event.id,
    attributes: {
      timestamp: event.timeMs / 1_000,
      event_properties: event.properties,
      datetime: isoTime(event.timeMs).replace('T', ' '),
      uuid: event.uuid,
    },
    relationships: {
      profile: relationship('profile', event.profileId),
      metric: relationship('metric', event.metricId),
    },
    links: { self },
  };
}
