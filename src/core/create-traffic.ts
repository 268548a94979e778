import type { Dispatcher } from 'undici';
import { createFallBackReporter, type FallBackReporter } from '../calls/fall-back-reporter.ts';
import { createTrafficMeter, type TrafficMeter } from '../calls/traffic-meter.ts';
import { createRateWindows, type RateWindows } from '../calls/rate-windows.ts';
import { createWriteBehind, type WriteBehind } from '../calls/write-behind.ts';
import { createHttpClient, type HttpClient } from '../runtime/http-client.ts';
import type { Workbench } from './workbench.ts';

/** Connections to Klaviyo that the proxy keeps: 256 for ordinary calls, half as many for slow callers. */
export const proxyConnections = 384;

/** What counts and carries calls, for the proxy and for the library alike. */
export interface TrafficParts {
  /** Streams the proxy's calls, over {@link proxyConnections} connections of its own. */
  readonly proxyHttp: HttpClient;
  /** Klaviyo's windows as this process has seen them. */
  readonly windows: RateWindows;
  readonly writeBehind: WriteBehind;
  readonly meter: TrafficMeter;
  readonly onFallBack: FallBackReporter;
}

/** Creates the parts; whoever does closes `writeBehind`, then `proxyHttp`. */
export function createTraffic(
  { store, clock, logger }: Pick<Workbench, 'store' | 'clock' | 'logger'>,
  dispatcher?: Dispatcher,
): TrafficParts {
  const writeBehind = createWriteBehind(logger, clock);
  const meter = createTrafficMeter({ store, writeBehind, clock, logger });
  return {
    // Its callers wait for a place among the connections, and nobody else may take one.
    proxyHttp: createHttpClient({ connections: proxyConnections, dispatcher, clock }),
    windows: createRateWindows(),
    writeBehind,
    meter,
    onFallBack: createFallBackReporter({ store, clock, logger, count: meter.countFallBack }),
  };
}
