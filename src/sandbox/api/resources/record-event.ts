import { shortId } from '../../ids.ts';
import type { ApiReply } from '../../context/api-error.ts';
import type { JsonObject } from '../../state/json.ts';
import type { Profile } from '../../state/profile.ts';
import type { ApiCall } from '../api-call.ts';
import { readEventTime, type EventAttributes } from './event-body.ts';
import { metricOfEvent } from './metric-of-event.ts';
import {
  addProfile,
  changeProfile,
  findProfile,
  hasIdentifier,
  identifierNeeded,
} from './profiles.ts';

/** An event that can be recorded. */
export interface CheckedEvent {
  readonly attributes: EventAttributes;
  readonly timeMs: number;
}

/**
 * Checks what the body's schema cannot; changes nothing.
 *
 * @param pointer where the event's attributes stand in the body
 */
export function checkEvent(
  call: ApiCall,
  attributes: EventAttributes,
  pointer: string,
): CheckedEvent | { readonly refusal: ApiReply } {
  const refusal = refuseEvent(call, attributes, pointer);
  if (refusal) return { refusal };
  const timeMs = readEventTime(attributes.time, call.context.clock.now());
  if (timeMs !== undefined) return { attributes, timeMs };
  return { refusal: call.errors.invalid('Invalid time.', { pointer: `${pointer}/time` }) };
}

function refuseEvent(
  call: ApiCall,
  { profile, metric }: EventAttributes,
  pointer: string,
): ApiReply | undefined {
  const { id, attributes } = profile.data;
  if (attributes.meta !== undefined) return call.errors.notImplemented('meta of a profile');
  if (attributes._kx !== undefined) return call.errors.notImplemented('_kx of a profile');
  const { service } = metric.data.attributes;
  // Klaviyo ignores the service of an OAuth app (documented).
  if (!call.caller.app && service != null && service !== 'api') {
    return call.errors.notImplemented('A metric service other than api');
  }
  if (id != null && !call.resources.profiles.get(id)) {
    const source = { pointer: `${pointer}/profile/data/id` };
    return call.errors.invalid('There is no profile with this id.', source);
  }
  if (id != null || hasIdentifier(attributes)) return undefined;
  return identifierNeeded(call, `${pointer}/profile/data/attributes`);
}

/** Records a checked event, unless its unique id is known for the same profile and metric. */
export function recordEvent(call: ApiCall, { attributes, timeMs }: CheckedEvent): void {
  const profile = profileOf(call, attributes);
  const metric = metricOfEvent(call, attributes.metric.data.attributes.name);
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

function profileOf(call: ApiCall, { profile }: EventAttributes): Profile {
  const { id, attributes } = profile.data;
  const { meta: _meta, _kx, ...given } = attributes;
  const found = id == null ? findProfile(call, given) : call.resources.profiles.get(id);
  if (!found) return addProfile(call, given);
  // An identifier that belongs to another profile stays there (assumed).
  const conflict = call.resources.findConflict(given as JsonObject, found.id);
  return conflict || Object.keys(given).length === 0 ? found : changeProfile(call, found, given);
}
