import type { KeyshiftParts } from '../core/create-keyshift.ts';
import { proxyConnections } from '../core/create-traffic.ts';
import { createProxy, type Proxy } from '../proxy/create-proxy.ts';

type ProxyParts = Pick<
  KeyshiftParts,
  | 'config'
  | 'store'
  | 'credentials'
  | 'traffic'
  | 'readOrigin'
  | 'guesses'
  | 'clock'
  | 'random'
  | 'logger'
>;

/** The streaming proxy over a Keyshift's parts. */
export function createKeyshiftProxy(keyshift: ProxyParts): Proxy {
  const { config, store, credentials, traffic, readOrigin, guesses, clock, random, logger } =
    keyshift;
  const { proxyHttp, windows, meter, writeBehind } = traffic;
  return createProxy({
    store,
    credentials,
    serviceTokens: config.serviceTokens,
    readOrigin,
    guesses,
    http: proxyHttp,
    connections: proxyConnections,
    apiUrl: config.endpoints.apiUrl,
    revision: config.revision,
    publicUrl: config.publicUrl,
    rewriteLinks: config.rewriteLinks,
    windows,
    meter,
    writeBehind,
    clock,
    random,
    logger,
  });
}
