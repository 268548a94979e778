import { describe, expect, it } from 'vitest';
import { isLoopback } from './loopback.ts';

describe('isLoopback', () => {
  it.each(['localhost', 'LOCALHOST', '127.0.0.1', '127.8.8.8', '::1', '[::1]'])(
    'knows %s',
    (host) => expect(isLoopback(host)).toBe(true),
  );

  it.each(['', '0.0.0.0', '::', 'localhost.example', '127.0.0.1.example', '128.0.0.1', 'x::1'])(
    'does not take %j for this machine',
    (host) => expect(isLoopback(host)).toBe(false),
  );
});
