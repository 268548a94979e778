import { isIPv4 } from 'node:net';

/** Whether `host` is this machine: `localhost`, 127.0.0.0/8 or ::1, also as IPv4 inside IPv6. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (name === '' || name === 'localhost' || name === '::1') return true;
  const address = name.replace(/^::ffff:/, '');
  return isIPv4(address) && address.startsWith('127.');
}
