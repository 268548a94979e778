import { isKeyshiftError, KeyshiftError } from '../errors/keyshift-error.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Database } from './database.ts';
import type { Sealed } from './sealed.ts';
import type { Sealer } from './sealer.ts';
import { statement, type ParameterOf } from './statement.ts';

const name = 'blind_index_key';
const keyBytes = 32;

const find = statement((db, p: ParameterOf<{ name: string }>) =>
  db.selectFrom('vault_state').select('sealed_value').where('name', '=', p('name')),
);

const insert = statement(
  (db, p: ParameterOf<{ name: string; sealed: Sealed; createdAt: number }>) =>
    db
      .insertInto('vault_state')
      .values({ name: p('name'), sealed_value: p('sealed'), created_at: p('createdAt') })
      .onConflict((conflict) => conflict.column('name').doNothing()),
);

/** What {@link loadBlindIndexKey} works with. */
export interface BlindIndexKeyOptions {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly random: Random;
  /** Names the database in errors. */
  readonly label: string;
}

/**
 * Opens the database's blind index key, making it on the first start; of several processes that
 * start at once, all get the same one. It is also the proof that the keyring fits: throws
 * `keyring_mismatch` when the key does not open.
 */
export async function loadBlindIndexKey(options: BlindIndexKeyOptions): Promise<Uint8Array> {
  const { database, sealer, clock, random, label } = options;
  let row = await database.first(find, { name });
  if (!row) {
    const fresh = random.bytes(keyBytes).toString('base64url');
    const sealed = sealer.seal('blindIndexKey', name, fresh);
    await database.run(insert, { name, sealed, createdAt: clock.now() });
    row = await database.first(find, { name });
  }
  if (!row) throw new KeyshiftError('internal', 'The blind index key was not stored.');
  try {
    return Buffer.from(sealer.open('blindIndexKey', name, row.sealed_value), 'base64url');
  } catch (cause) {
    if (!isKeyshiftError(cause)) throw cause;
    const why =
      cause.code === 'keyring_mismatch'
        ? cause.message
        : 'A key in KEYSHIFT_KEYS has the right id but is not the key it was sealed with.';
    throw new KeyshiftError('keyring_mismatch', `KEYSHIFT_KEYS does not open ${label}. ${why}`, {
      cause,
    });
  }
}
