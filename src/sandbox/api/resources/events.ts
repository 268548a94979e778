import type { z } from 'zod';
import type { ApiReply } from '../../context/api-error.ts';
import type { Metric } from '../../state/metric.ts';
import type { Profile } from '../../state/profile.ts';
import type { ApiCall, ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { emptyReply } from '../json-api.ts';
import { identifierReply, itemReply, listReply } from '../resource-kind.ts';
import { bulkEventBody, eventBody, type EventAttributes } from './event-body.ts';
import { eventKind } from './event-kind.ts';
import { metricKind } from './metric-kind.ts';
import { profileKind } from './profile-kind.ts';
import { checkEvent, recordEvent, type CheckedEvent } from './record-event.ts';

/** `GET /api/events`: in the order of arrival unless sorted. */
const getEvents: ApiHandler = (call) => listReply(call, eventKind, call.resources.events.all());

const getEvent: ApiHandler = (call) => {
  const id = call.params['id'] ?? '';
  const event = call.resources.events.get(id);
  return event ? itemReply(call, eventKind, event) : refuseEventId(call, id);
};

/** 400 for an id that no event can have (recorded), 404 for one that none has. */
function refuseEventId(call: ApiCall, id: string): ApiReply {
  return /^[0-9A-Za-z]{11}$/.test(id)
    ? call.errors.notFound('event', id)
    : call.errors.invalid(`Invalid Event ID: '${id}'`, { pointer: '/data/id' });
}

/**
 * `POST /api/events`: 202 without a body, also for an event that repeats a unique id. Creates the
 * profile and the metric where they do not exist.
 */
const createEvent: ApiHandler = (call) => {
  const read = readWrite(call, eventBody);
  return 'refusal' in read
    ? read.refusal
    : recordAll(call, [[read.body.data.attributes, '/data/attributes']]);
};

/** `POST /api/event-bulk-create-jobs`: 202 without a body; all events are taken, or none. */
const bulkCreateEvents: ApiHandler = (call) => {
  const read = readWrite(call, bulkEventBody);
  if ('refusal' in read) return read.refusal;
  return recordAll(call, bulkEvents(read.body));
};

/** The events of a bulk body with where each stands in it. */
export function bulkEvents({ data }: z.infer<typeof bulkEventBody>): SentEvent[] {
  const root = '/data/attributes/events-bulk-create/data';
  return data.attributes['events-bulk-create'].data.flatMap((part, index) =>
    part.attributes.events.data.map(({ attributes }, at): SentEvent => {
      const pointer = `${root}/${index}/attributes/events/data/${at}/attributes`;
      return [{ ...attributes, profile: part.attributes.profile }, pointer];
    }),
  );
}

/** The attributes of an event and where they stand in the body. */
export type SentEvent = readonly [attributes: EventAttributes, pointer: string];

/** Records events once all are known to be good. */
export function recordAll(call: ApiCall, sent: readonly SentEvent[]): ApiReply {
  const checked: CheckedEvent[] = [];
  for (const [attributes, pointer] of sent) {
    const event = checkEvent(call, attributes, pointer);
    if ('refusal' in event) return event.refusal;
    checked.push(event);
  }
  call.context.later(() => {
    for (const event of checked) recordEvent(call, event);
  });
  return emptyReply(202);
}

/** Answers by the metric or the profile of the event in the path. */
function related(
  answer: (call: ApiCall, metric: Metric, profile: Profile) => ApiReply,
): ApiHandler {
  return (call) => {
    const event = call.resources.events.get(call.params['id'] ?? '');
    const metric = call.resources.metrics.get(event?.metricId ?? '');
    const profile = call.resources.profiles.get(event?.profileId ?? '');
    return metric && profile
      ? answer(call, metric, profile)
      : refuseEventId(call, call.params['id'] ?? '');
  };
}

export const eventHandlers: HandlerTable = {
  get_events: getEvents,
  get_event: getEvent,
  create_event: createEvent,
  bulk_create_events: bulkCreateEvents,
  get_metric_for_event: related((call, metric) => itemReply(call, metricKind, metric)),
  get_metric_id_for_event: related((call, { id }) => identifierReply(call, 'metric', id)),
  get_profile_for_event: related((call, _, profile) => itemReply(call, profileKind, profile)),
  get_profile_id_for_event: related((call, _, { id }) => identifierReply(call, 'profile', id)),
};
