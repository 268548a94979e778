import type { StoredEvent } from '../../state/event.ts';
import { isoTime } from '../json-api.ts';
import { hidden, relationTo } from '../relation.ts';
import type { ResourceKind } from '../resource-kind.ts';
import { metricKind } from './metric-kind.ts';
import { profileKind } from './profile-kind.ts';

/** How events are shown. */
export const eventKind: ResourceKind<StoredEvent> = {
  type: 'event',
  path: 'events',
  attributes: (_, event) => ({
    timestamp: event.timeMs / 1_000,
    event_properties: event.properties,
    datetime: isoTime(event.timeMs),
    uuid: event.uuid,
  }),
  relations: {
    profile: relationTo(
      () => profileKind,
      ({ resources }, { profileId }) => resources.profiles.pick(profileId),
      { one: true, data: 'always' },
    ),
    metric: relationTo(
      () => metricKind,
      ({ resources }, { metricId }) => resources.metrics.pick(metricId),
      { one: true, data: 'always' },
    ),
    // Nothing is attributed here: no message is ever sent.
    attributions: hidden,
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
