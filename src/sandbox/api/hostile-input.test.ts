import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operations, type Operation } from '../../klaviyo/operations.ts';
import { startTestSandbox, type TestSandbox } from '../../../test/support/sandbox-client.ts';
import { handlers } from './resource-registry.ts';
import { readCursor, writeCursor } from './query/cursor.ts';
import { parseFilter } from './query/parse-filter.ts';
import { queryRulesOf } from './query/query-rules.ts';

let test: TestSandbox;
beforeAll(async () => {
  test = await startTestSandbox();
});
afterAll(() => test.sandbox.close());

const stateful = operations.filter(({ id }) => handlers.has(id));
const named = stateful.map((operation) => [operation.id, operation] as const);

function send(operation: Operation, query: string, body?: string) {
  const id = encodeURIComponent('constructor');
  const company = operation.path.startsWith('/client/') ? 'company_id=AAA111&' : '';
  return test.request(`${operation.path.replace(/\{\w+\}/g, id)}?${company}${query}`, {
    method: operation.method,
    headers: {
      authorization: 'Klaviyo-API-Key pk_alphafull',
      revision: '2026-07-15',
      'content-type': 'application/json',
    },
    ...(body === undefined ? {} : { body }),
  });
}

/** Bodies near enough to the right form that they pass some of the checks. */
const bodies = [
  '',
  'null',
  '[]',
  '{"data":null}',
  '{"data":[]}',
  '{"data":[{"type":"profile","id":"__proto__"}]}',
  '{"data":{"type":"__proto__","id":"constructor","attributes":{"__proto__":{"a":1}}}}',
  '{"data":{"type":"profile","id":"constructor","attributes":{"email":{}},"relationships":null}}',
];
const queries = [
  'page[size]=1e9',
  'page[cursor]=AAAA',
  'sort=__proto__',
  'filter=equals(__proto__,"x")',
  'filter=equals(constructor,1)',
  'fields[constructor]=x',
  'fields[profile]=__proto__',
  'include=constructor',
  'additional-fields[__proto__]=x',
  '%E0%A4%A=1',
];

describe('input that nobody should send', () => {
  it.each(named)('never breaks %s', async (_, operation) => {
    const replies = [
      ...(await Promise.all(
        bodies.map((body) => send(operation, '', operation.method === 'GET' ? undefined : body)),
      )),
      ...(await Promise.all(
        queries.map((query) =>
          send(operation, query, operation.method === 'GET' ? undefined : '{}'),
        ),
      )),
    ];
    for (const { status, body } of replies) {
      expect([200, 202, 204, 400, 404, 501], body).toContain(status);
    }
  });

  it('is parsed as a filter or refused, whatever it is', () => {
    const pieces = fc.constantFrom(
      ...['equals', 'any', 'and', 'or', '(', ')', ',', '[', ']', '"a"', "'", '\\', 'email', '1'],
      ...['2026-01-01', ' ', 'null', 'has(profile)', 'greater-than(created,2026-01-01T00:00:00Z)'],
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        const parsed = parseFilter(parts.join(''));
        expect(Object.keys(parsed)).toHaveLength(1);
      }),
    );
    expect(parseFilter('and('.repeat(10_000))).toHaveProperty('problem');
  });

  it('is read as a cursor only where a list wrote it', () => {
    const values = fc.oneof(
      fc.string(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    );
    fc.assert(
      fc.property(fc.string(), values, fc.nat(), (key, value, seq) => {
        const cursor = { direction: 'next', key, value, seq } as const;
        expect(readCursor(writeCursor(cursor))).toEqual(JSON.parse(JSON.stringify(cursor)));
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => readCursor(text) === undefined));
  });
});

describe('the rules of queries', () => {
  it('are known for every operation that lists', () => {
    const lists = stateful.filter(
      ({ id, method }) => method === 'GET' && queryRulesOf(id).cursor === true,
    );
    expect(lists.length).toBeGreaterThan(20);
    for (const { id } of lists) {
      const { size, sort = [], filter = {} } = queryRulesOf(id);
      if (size) expect(size.default).toBeLessThanOrEqual(size.max);
      for (const operators of Object.values(filter)) expect(operators.length).toBeGreaterThan(0);
      expect(sort.every((key) => !key.startsWith('-'))).toBe(true);
    }
  });

  it('let every sort and every filter that Klaviyo allows through, or say 501', async () => {
    for (const operation of stateful.filter(
      ({ method, path }) => method === 'GET' && !path.includes('{'),
    )) {
      const rules = queryRulesOf(operation.id);
      const { sort = [], filter: filters = {}, include = [], fields = {}, required = [] } = rules;
      const queries = [
        ...sort.flatMap((key) => [`sort=${key}`, `sort=-${key}`]),
        ...include.map((name) => `include=${name}`),
        ...Object.entries(fields).map(([type, list]) => `fields[${type}]=${list.join(',')}`),
        ...Object.entries(filters).flatMap(([field, operators]) =>
          operators.map((operator) => {
            const value = operator === 'any' ? '["x"]' : '"x"';
            return `filter=${operator}(${field}${operator === 'has' ? '' : `,${value}`})`;
          }),
        ),
      ];
      for (const query of queries) {
        const needed = required.includes('filter') && !query.startsWith('filter');
        const [field = '', [operator = ''] = []] = Object.entries(filters)[0] ?? [];
        const filter = needed ? `&filter=${operator}(${field},"x")` : '';
        const { status, body } = await send(operation, query + filter);
        expect([200, 501], `${operation.id} ${query} ${body}`).toContain(status);
      }
    }
  });
});
