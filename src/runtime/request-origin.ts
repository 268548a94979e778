import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP, SocketAddress } from 'node:net';
import type { Logger } from './logger.ts';

/** Where a request came from, as far as what stands in front can be believed. */
export interface RequestOrigin {
  /** Of the client, without port or zone, IPv4 as IPv4; `unknown` where there is no socket. */
  readonly address: string;
  /** The proxy that brought the request, where it is not the client itself. */
  readonly via: string | undefined;
  /** How the client came: over TLS or not. */
  readonly scheme: 'http' | 'https';
  /** The host that the client asked for, with its port if it named one. */
  readonly host: string | undefined;
}

/** What of a request tells its origin; a request of Node's has it. */
export interface IncomingParts {
  readonly socket: { readonly remoteAddress?: string | undefined; readonly encrypted?: boolean };
  readonly headers: IncomingHttpHeaders;
}

/** Tells where a request came from; the one place that reads forwarding headers. */
export type ReadOrigin = (request: IncomingParts) => RequestOrigin;

/** The networks whose forwarding headers count. Nobody's do by default. */
export class TrustedProxies {
  readonly #networks = new BlockList();

  /**
   * Adds an address, a network in CIDR notation, or a name that stands for some: `loopback`,
   * `linklocal`, `uniquelocal`.
   *
   * @returns what is wrong with the entry, as the rest of a sentence; `undefined` when it was added
   */
  add(entry: string): string | undefined {
    const named = namedNetworks[entry.toLowerCase()];
    if (named) {
      for (const network of named) this.add(network);
      return undefined;
    }
    const [text = '', prefix, ...rest] = entry.split('/');
    const address = isIP(text) > 0 && !text.includes('%') ? toPlainAddress(text) : undefined;
    if (address === undefined || rest.length > 0) return 'which is no address and no network';
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    const longest = isIP(text) === 4 ? 32 : 128;
    if (prefix === undefined) {
      this.#networks.addAddress(address, family);
      return undefined;
    }
    const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
    if (!(bits <= longest)) return `whose prefix is not a number from 1 to ${longest}`;
    // An IPv4 network written as IPv6 has 96 bits in front.
    const ownBits = family === 'ipv4' ? bits - (longest - 32) : bits;
    if (ownBits < 1) return 'which is everybody: any client could then choose its address';
    this.#networks.addSubnet(address, ownBits, family);
    return undefined;
  }

  has(address: string): boolean {
    return (
      isIP(address) > 0 && this.#networks.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
    );
  }
}

/** As Express names them. */
const namedNetworks: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/**
 * Creates the reader. Headers are read from the right, as each proxy adds what it saw to the end:
 * as long as whoever wrote an entry is trusted, the entry counts. What stands further left came
 * with the request and is nobody's word.
 *
 * @param logger is told once when a proxy that is not trusted sends forwarding headers
 */
export function createReadOrigin(trusted: TrustedProxies, logger: Logger): ReadOrigin {
  let told = false;

  function tellOnce(peer: string): void {
    if (told) return;
    told = true;
    logger.warn(
      { peer },
      'forwarding headers ignored: if this is your proxy, name it in TRUSTED_PROXIES',
    );
  }

  return ({ socket, headers }) => {
    const peer = toPlainAddress(socket.remoteAddress ?? '') ?? 'unknown';
    const direct: RequestOrigin = {
      address: peer,
      via: undefined,
      scheme: socket.encrypted === true ? 'https' : 'http',
      host: headers.host,
    };
    const isForwarded =
      headers['x-forwarded-for'] !== undefined ||
      headers['x-forwarded-proto'] !== undefined ||
      headers['x-forwarded-host'] !== undefined ||
      headers.forwarded !== undefined;
    if (!isForwarded) return direct;
    if (!trusted.has(peer)) {
      tellOnce(peer);
      return direct;
    }
    const own = readSeparateHeaders(headers);
    const standard = readStandardHeader(headers.forwarded);
    const seen =
      followHops(peer, own.addresses, trusted) ?? followHops(peer, standard.addresses, trusted);
    // A proxy writes one of the two and lets the other pass: where they differ, one is the client's
    // invention, and nobody can tell which.
    const rival =
      own.addresses.length > 0 ? followHops(peer, standard.addresses, trusted) : undefined;
    const address = seen && (!rival || rival.address === seen.address) ? seen.address : peer;
    const fromEnd = seen?.believed ?? 1;
    const scheme = entryOf(own.schemes, fromEnd) ?? entryOf(standard.schemes, fromEnd);
    const host = entryOf(own.hosts, fromEnd) ?? entryOf(standard.hosts, fromEnd);
    return {
      address,
      via: address === peer ? undefined : peer,
      scheme: /^https?$/i.test(scheme ?? '')
        ? (scheme?.toLowerCase() as 'http' | 'https')
        : direct.scheme,
      host: host !== undefined && plainHost.test(host) ? host : direct.host,
    };
  };
}

const plainHost = /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/** What proxies have added, in the order of the headers: the nearest proxy's word comes last. */
interface Hops {
  readonly addresses: readonly string[];
  readonly schemes: readonly (string | undefined)[];
  readonly hosts: readonly (string | undefined)[];
}

function readSeparateHeaders(headers: IncomingHttpHeaders): Hops {
  const list = (name: string) =>
    [headers[name] ?? []].flat().flatMap((line) => line.split(',').map((entry) => entry.trim()));
  return {
    addresses: list('x-forwarded-for'),
    schemes: list('x-forwarded-proto'),
    hosts: list('x-forwarded-host'),
  };
}

/** RFC 7239: elements by commas, each of them `name=value` pairs, values quoted where they must be. */
function readStandardHeader(header: string | undefined): Hops {
  const elements = (header?.match(/(?:"(?:[^"\\]|\\.)*"|[^,])+/g) ?? []).map((element) => {
    const pairs = element.matchAll(/([\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;,\s"]*))/g);
    return new Map(
      Array.from(pairs, ([, name = '', quoted, plain = '']) => [
        name.toLowerCase(),
        quoted?.replaceAll(/\\(.)/g, '$1') ?? plain,
      ]),
    );
  });
  return {
    addresses: elements.map((element) => element.get('for') ?? ''),
    schemes: elements.map((element) => element.get('proto')),
    hosts: elements.map((element) => element.get('host')),
  };
}

/** The client by a chain of addresses, and how many entries of it were written by trusted proxies. */
function followHops(peer: string, addresses: readonly string[], trusted: TrustedProxies) {
  if (addresses.length === 0) return undefined;
  let [address, believed] = [peer, 0];
  for (const entry of addresses.toReversed()) {
    if (!trusted.has(address)) break;
    believed += 1;
    const next = toPlainAddress(entry);
    // A proxy that does not say whom it serves is the last that is known.
    if (next === undefined) break;
    address = next;
  }
  return { address, believed };
}

/** The entry of the same proxy as the client's address; the first where there are fewer. */
function entryOf(entries: readonly (string | undefined)[], fromEnd: number): string | undefined {
  return entries[Math.max(0, entries.length - fromEnd)];
}

/** The one spelling of an address: no brackets, port or zone, and IPv4 never inside of IPv6. */
function toPlainAddress(text: string): string | undefined {
  const inBrackets = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1];
  const beforePort = /^(\d+(?:\.\d+){3}):\d+$/.exec(text)?.[1];
  const bare = (inBrackets ?? beforePort ?? text).replace(/%.*$/, '');
  if (isIP(bare) !== 6) return isIP(bare) === 4 ? bare : undefined;
  const { address } = new SocketAddress({ address: bare, family: 'ipv6' });
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}
