import type { SealContext, Vault } from '../vault/vault.ts';
import type { Sealed } from './sealed.ts';
import { sealedColumns, type SealedColumnName } from './sealed-columns.ts';

/** The vault as repositories use it: by the name of a registered column. */
export interface Sealer {
  seal(name: SealedColumnName, rowId: string, plaintext: string): Sealed;
  /** Throws `seal_invalid` or `keyring_mismatch` when the value does not open. */
  open(name: SealedColumnName, rowId: string, sealed: Sealed): string;
}

/** Binds a vault to the registry of sealed columns. */
export function createSealer(vault: Vault): Sealer {
  const contextOf = (name: SealedColumnName, rowId: string): SealContext => {
    const { table, column } = sealedColumns[name];
    return { table, rowId, column };
  };
  return {
    seal: (name, rowId, plaintext) => vault.seal(plaintext, contextOf(name, rowId)) as Sealed,
    open: (name, rowId, sealed) => vault.open(sealed, contextOf(name, rowId)),
  };
}
