import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { randomToken, type Random } from '../../runtime/random.ts';
import type { Install } from '../../sandbox/state/install.ts';
import { SandboxState } from '../../sandbox/state/sandbox-state.ts';
import { type SandboxData } from '../../sandbox/state/sandbox-data.ts';
import { generateKeyringEntry } from '../../vault/keyring.ts';
import type { Mail } from './people.ts';
import type { RehearsalSettings } from './rehearsal-settings.ts';

/** Where the rehearsal has come to: everything before this hour of this day is done. */
export interface Progress {
  readonly day: number;
  readonly hour: number;
}

/** Secrets of the rehearsed Keyshift and its app. */
export interface RehearsalSecrets {
  readonly keys: string;
  readonly sessionSecret: string;
  readonly clientSecret: string;
}

/**
 * All that is outside of Keyshift and must outlive a crash of the rehearsal: Klaviyo's installs,
 * the mailboxes of the people, and the time. Keyshift's own memory is its database, beside it.
 */
export interface World {
  readonly databaseUrl: string;
  readonly secrets: RehearsalSecrets;
  progress(): Progress;
  saveProgress(progress: Progress): void;
  /** A mail that was sent before is delivered once. */
  deliver(customerIndex: number, mail: Mail): void;
  /** In the order of their arrival. */
  mailsOf(customerIndex: number): readonly Mail[];
  /** The state of the sandbox; every change of an install is saved before it is answered. */
  createState(data: SandboxData): SandboxState;
  /** As its owner does it in Klaviyo's settings. */
  deleteKey(key: string): void;
  close(): void;
}

const tables = `
  create table if not exists facts (name text primary key, value text not null);
  create table if not exists mails (
    customer integer not null, id text not null, position integer not null,
    day integer not null, kind text not null, link text not null,
    primary key (customer, id)
  );
  create table if not exists installs (
    client_id text not null, account_id text not null, install text not null,
    primary key (client_id, account_id)
  );
  create table if not exists deleted_keys (key text primary key);
`;

/**
 * Opens the world in a folder, and begins one where there is none.
 *
 * @throws KeyshiftError `config_invalid` when the folder belongs to a rehearsal with other settings
 */
export function openWorld(folder: string, settings: RehearsalSettings, random: Random): World {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'world.db');
  // SQLite would make it readable for everybody. Its other files take the mode of this one.
  closeSync(openSync(path, 'a', 0o600));
  const db = new DatabaseSync(path);
  // Somebody may be looking at it.
  db.exec('pragma busy_timeout = 5000; pragma journal_mode = wal; pragma synchronous = off;');
  db.exec(tables);
  const facts = createFacts(db);
  facts.putFirst('settings', JSON.stringify(settings));
  if (facts.get('settings') !== JSON.stringify(settings)) {
    db.close();
    throw new KeyshiftError(
      'config_invalid',
      `${folder} contains a rehearsal with different settings.`,
      {
        fix: 'Use the same options to continue it, or choose another folder.',
      },
    );
  }
  facts.putFirst(
    'secrets',
    JSON.stringify({
      keys: generateKeyringEntry(random),
      sessionSecret: randomToken(random),
      clientSecret: randomToken(random),
    } satisfies RehearsalSecrets),
  );
  facts.putFirst('progress', JSON.stringify({ day: 0, hour: 0 } satisfies Progress));
  const mailbox = createMailbox(db);
  let state: SavedState | undefined;
  return {
    ...mailbox,
    databaseUrl: `sqlite:${join(folder, 'keyshift.db')}`,
    secrets: JSON.parse(facts.get('secrets')) as RehearsalSecrets,
    progress: () => JSON.parse(facts.get('progress')) as Progress,
    saveProgress: (progress) => {
      facts.put('progress', JSON.stringify(progress));
    },
    createState: (data) => (state = new SavedState(data, db)),
    deleteKey: (key) => state?.deleteKey(key),
    close: () => {
      db.close();
    },
  };
}

function createFacts(db: DatabaseSync) {
  const get = db.prepare('select value from facts where name = ?');
  const put = db.prepare('insert or replace into facts values (?, ?)');
  const putFirst = db.prepare('insert or ignore into facts values (?, ?)');
  return {
    get: (name: string) => String(get.get(name)?.['value']),
    put: (name: string, value: string) => void put.run(name, value),
    putFirst: (name: string, value: string) => void putFirst.run(name, value),
  };
}

function createMailbox(db: DatabaseSync): Pick<World, 'deliver' | 'mailsOf'> {
  const mails = new Map<number, Mail[]>();
  const rows = db.prepare(
    'select customer, id, day, kind, link from mails order by customer, position',
  );
  for (const { customer, id, day, kind, link } of rows.iterate()) {
    const box = mails.get(Number(customer)) ?? [];
    mails.set(Number(customer), box);
    box.push({
      ...{ id: String(id), day: Number(day), link: String(link) },
      kind: String(kind) as Mail['kind'],
    });
  }
  const insert = db.prepare('insert or ignore into mails values (?, ?, ?, ?, ?, ?)');
  return {
    deliver(customer, mail) {
      const box = mails.get(customer) ?? [];
      if (box.some(({ id }) => id === mail.id)) return;
      insert.run(customer, mail.id, box.length, mail.day, mail.kind, mail.link);
      mails.set(customer, [...box, mail]);
    },
    mailsOf: (customer) => mails.get(customer) ?? [],
  };
}

/** A sandbox's state that writes installs through: what an app was told is never forgotten. */
class SavedState extends SandboxState {
  readonly #put;
  readonly #remove;
  readonly #deleteKey;
  #replacing = false;

  constructor(data: SandboxData, db: DatabaseSync) {
    const rows = db.prepare('select install from installs').all();
    const installs = rows.map(({ install }) => JSON.parse(String(install)) as Install);
    super({ ...data, installs });
    for (const { key } of db.prepare('select key from deleted_keys').all()) {
      this.keys.delete(String(key));
    }
    this.#deleteKey = db.prepare('insert or ignore into deleted_keys values (?)');
    this.#put = db.prepare('insert or replace into installs values (?, ?, ?)');
    this.#remove = db.prepare('delete from installs where client_id = ? and account_id = ?');
  }

  deleteKey(key: string): void {
    this.#deleteKey.run(key);
    this.keys.delete(key);
  }

  override putInstall(install: Install): void {
    // Nothing is written while the state is being read.
    if (!(#put in this)) {
      super.putInstall(install);
      return;
    }
    // What takes the place of an install is written over it.
    this.#replacing = true;
    super.putInstall(install);
    this.#replacing = false;
    this.#put.run(install.clientId, install.accountId, JSON.stringify(install));
  }

  override removeInstall(install: Pick<Install, 'clientId' | 'accountId'>): void {
    super.removeInstall(install);
    if (!(#remove in this) || this.#replacing) return;
    this.#remove.run(install.clientId, install.accountId);
  }
}
