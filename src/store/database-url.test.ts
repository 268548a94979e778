import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { isKeyshiftError } from '../errors/keyshift-error.ts';
import { parseDatabaseUrl } from './database-url.ts';

describe('parseDatabaseUrl', () => {
  it.each([
    ['', /is empty/],
    ['  ', /is empty/],
    ['./data/keyshift.db', /does not start with sqlite: or postgres:/],
    ['mysql://localhost/keyshift', /does not start with/],
    ['postgres:keyshift', /does not start with/],
    ['sqlite:', /names no file/],
    ['sqlite:./data/', /names no file/],
    ['sqlite://host/keyshift.db', /has a host/],
    ['sqlite:./keyshift.db?mode=ro', /takes none/],
    ['postgres://user:hunter2@@#[/db', /is not a URL/],
    ['postgres://user:hunter2%@localhost/db', /stray %/],
    ['postgres://user:hunter2@localhost:port/db', /is not a URL/],
    ['postgres://user:hunter2@localhost/db?schema=', /names a schema that is not/],
    ['postgres://user:hunter2@localhost/db?schema=Mine', /names a schema that is not/],
    ['postgres://user:hunter2@localhost/db?schema=pg_catalog', /names a schema that is not/],
  ])('refuses %j, names the variable and does not show the value', (url, message) => {
    let refusal: unknown;
    try {
      parseDatabaseUrl(url);
    } catch (error) {
      refusal = error;
    }
    if (!isKeyshiftError(refusal, 'config_invalid')) throw new Error(`accepted: ${url}`);
    expect(refusal.message).toMatch(/^DATABASE_URL /);
    expect(refusal.message).toMatch(message);
    expect(inspect(refusal, { depth: 9, showHidden: true })).not.toContain('hunter2');
  });

  it.each([
    ['sqlite:./data/keyshift.db', resolve('data/keyshift.db'), 'SQLite at ./data/keyshift.db'],
    ['sqlite:keyshift.db', resolve('keyshift.db'), 'SQLite at keyshift.db'],
    ['sqlite:/var/lib/k.db', '/var/lib/k.db', 'SQLite at /var/lib/k.db'],
    ['sqlite:///var/lib/k.db', '/var/lib/k.db', 'SQLite at /var/lib/k.db'],
    ['sqlite::memory:', ':memory:', 'SQLite in memory'],
  ])('reads %s', (url, path, label) => {
    expect(parseDatabaseUrl(url)).toEqual({ kind: 'sqlite', path, label });
  });

  it.each([
    ['postgres://app:hunter2@db:5433/keyshift?sslmode=require', 'PostgreSQL at db:5433/keyshift'],
    ['postgresql://app:p%40ss@db/keyshift', 'PostgreSQL at db/keyshift'],
    ['postgres:///keyshift', 'PostgreSQL at the local socket/keyshift'],
  ])('reads %s, with a label that shows no password', (url, label) => {
    expect(parseDatabaseUrl(url)).toEqual({ kind: 'postgres', url, label, schema: 'keyshift' });
  });

  it('reads the schema of the tables from the URL, and keeps it from the driver', () => {
    expect(parseDatabaseUrl('postgres://app:p%40ss@db/k?schema=staging&sslmode=require')).toEqual({
      kind: 'postgres',
      url: 'postgres://app:p%40ss@db/k?sslmode=require',
      label: 'PostgreSQL at db/k, schema staging',
      schema: 'staging',
    });
  });
});
