import { isIP, isIPv4 } from 'node:net';

/** What is known of a request before its body is read. */
export interface RequestHead {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly remoteAddress: string;
}

/**
 * Why a request may not control the sandbox, or `undefined` when it may.
 *
 * A page on the internet must not be able to: its requests carry an `Origin` or `Sec-Fetch-Site`
 * of elsewhere, and one that rebinds its name in DNS carries that name as `Host`.
 *
 * @param remoteControl whether other machines may
 */
export function refuseControl(request: RequestHead, remoteControl: boolean): string | undefined {
  const { host = '', origin } = request.headers;
  if (!remoteControl && !isLoopback(request.remoteAddress)) {
    return 'Only this machine may control the sandbox. Start it with --remote-control to let others.';
  }
  if (!isLocalName(host)) {
    return 'The sandbox is controlled by an address or a name without dots, such as localhost.';
  }
  const site = request.headers['sec-fetch-site'] ?? 'none';
  const isElsewhere = site !== 'none' && site !== 'same-origin';
  // Following a link from elsewhere to the page is no harm; acting or reading by script is.
  const isVisit = request.method === 'GET' && request.headers['sec-fetch-mode'] === 'navigate';
  if ((isElsewhere && !isVisit) || (origin !== undefined && origin !== `http://${host}`)) {
    return 'A page of another origin may not control the sandbox.';
  }
  return undefined;
}

function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/, '');
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'));
}

/** Names that public DNS cannot point at this machine: addresses, `localhost`, single labels. */
function isLocalName(host: string): boolean {
  const name = host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  return isIP(name) !== 0 || /^[a-z0-9_-]+$/.test(name) || name.endsWith('.localhost');
}
