import type { StoredEvent } from '../../state/event.ts';
import { isoTime, linkedTo } from '../json-api.ts';
import { present, type ResourceKind } from '../resource-kind.ts';
import { metricKind } from './metric-kind.ts';
import { profileKind } from './profile-kind.ts';

/** How events are shown. */
export const eventKind: ResourceKind<StoredEvent> = {
  type: 'event',
  path: 'events',
  attributes: (_, event) => ({
    timestamp: event.timeMs / 1_000,
    event_properties: event.properties,
    datetime: isoTime(event.timeMs).replace('T', ' '),
    uuid: event.uuid,
  }),
  relationships: (_, event, self) => ({
    ...linkedTo(self, 'profile', { type: 'profile', id: event.profileId }),
    ...linkedTo(self, 'metric', { type: 'metric', id: event.metricId }),
  }),
  includes: {
    profile: (call, { profileId }, query) => {
      const profile = call.resources.profiles.get(profileId);
      return profile ? [present(call, query, profileKind, profile)] : [];
    },
    metric: (call, { metricId }, query) => {
      const metric = call.resources.metrics.get(metricId);
      return metric ? [present(call, query, metricKind, metric)] : [];
    },
  },
  values: {
    profile_id: (_, event) => event.profileId,
    metric_id: (_, event) => event.metricId,
    profile: (_, event) => event.profileId,
    metric: (_, event) => event.metricId,
    timestamp: (_, event) => event.timeMs / 1_000,
    datetime: (_, event) => isoTime(event.timeMs),
  },
};
