import { createHmac } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { PrivateKey } from '../klaviyo/private-key.ts';
import type { Random } from '../runtime/random.ts';
import type { ImportIssue } from './import-report.ts';

/**
 * What one import has to remember of the rows it has seen: on which line each customer stands,
 * and what there is to tell about them. It lies in a temporary file that is gone with its process,
 * so that a list of any length takes the same memory. Keys are in it as an HMAC under a secret
 * that is never stored.
 */
export interface ImportScratch {
  /** The line on which the customer stood first; records `line` where it is new. */
  firstLine(customerId: string, line: number): number;
  lineOf(customerId: string): number | undefined;
  /** Customers on earlier lines with the same key; records this one. At most `limit`. */
  sharingKey(key: PrivateKey, customerId: string, limit: number): string[];
  addIssue(issue: ImportIssue): void;
  /** By line. */
  issues(): Iterable<ImportIssue>;
  close(): void;
}

/** So many writes go into one transaction of the temporary file. */
const writesPerCommit = 5_000;

/** Opens an empty one. */
export function openImportScratch(random: Random): ImportScratch {
  const secret = random.bytes(32);
  const db = new DatabaseSync('');
  db.exec(`
    pragma cache_size = -4000;
    pragma synchronous = off;
    create table customers (id text primary key, line integer not null) without rowid;
    create table keys (hash blob not null, customer text not null, line integer not null);
    create index keys_by_hash on keys (hash, line);
    create table issues (line integer not null, json text not null);
    create index issues_by_line on issues (line);
    begin;
  `);
  const find = db.prepare('select line from customers where id = ?');
  const insert = db.prepare('insert into customers (id, line) values (?, ?)');
  const findKey = db.prepare(
    'select distinct customer from keys where hash = ? and customer <> ? order by line limit ?',
  );
  const insertKey = db.prepare('insert into keys (hash, customer, line) values (?, ?, ?)');
  const insertIssue = db.prepare('insert into issues (line, json) values (?, ?)');
  const listIssues = db.prepare('select json from issues order by line, rowid');
  let writes = 0;
  const written = () => {
    writes += 1;
    if (writes % writesPerCommit === 0) db.exec('commit; begin');
  };
  const lineOf = (customerId: string) =>
    (find.get(customerId) as { line: number } | undefined)?.line;
  return {
    lineOf,
    firstLine(customerId, line) {
      const known = lineOf(customerId);
      if (known !== undefined) return known;
      insert.run(customerId, line);
      written();
      return line;
    },
    sharingKey(key, customerId, limit) {
      const hash = createHmac('sha256', secret).update(key.reveal()).digest().subarray(0, 16);
      const others = findKey.all(hash, customerId, limit) as { customer: string }[];
      insertKey.run(hash, customerId, writes);
      written();
      return others.map(({ customer }) => customer);
    },
    addIssue(issue) {
      insertIssue.run(issue.line, JSON.stringify(issue));
      written();
    },
    *issues() {
      for (const row of listIssues.iterate()) {
        yield JSON.parse((row as { json: string }).json) as ImportIssue;
      }
    },
    close() {
      db.close();
    },
  };
}
