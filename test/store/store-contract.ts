import { auditCases } from './contract/audit-cases.ts';
import { authorizationCases } from './contract/authorization-cases.ts';
import { connectionCases } from './contract/connection-cases.ts';
import type { ContractTest } from './contract/contract-test.ts';
import { grantCases } from './contract/grant-cases.ts';
import { grantLeaseCases } from './contract/grant-lease-cases.ts';
import { grantRaceCases } from './contract/grant-race-cases.ts';
import { invitationCases } from './contract/invitation-cases.ts';
import { labelCases } from './contract/label-cases.ts';
import { outboxCases } from './contract/outbox-cases.ts';
import { journeyCases } from './contract/journey-cases.ts';
import { privateKeyCases } from './contract/private-key-cases.ts';
import { proxyCases } from './contract/proxy-cases.ts';
import { reportCases } from './contract/report-cases.ts';
import { secrecyCases } from './contract/secrecy-cases.ts';
import { sweepTurnCases } from './contract/sweep-turn-cases.ts';
import { switchCases } from './contract/switch-cases.ts';
import { trafficCases } from './contract/traffic-cases.ts';
import { transactionCases } from './contract/transaction-cases.ts';
import type { Store } from '../../src/store/store.ts';

/** A fresh, empty database for one case of the contract. */
export interface ContractDatabase {
  /** Opens a store over the database; a second one stands for a second process. */
  open(): Promise<Store>;
  /** Removes the database, after every store is closed. */
  drop(): Promise<void>;
}

/** One promise of {@link Store}. `run` rejects when it is broken. */
export interface ContractCase {
  readonly name: string;
  run(): Promise<void>;
}

const tests: Readonly<Record<string, ContractTest>> = {
  ...connectionCases,
  ...privateKeyCases,
  ...grantCases,
  ...grantLeaseCases,
  ...grantRaceCases,
  ...sweepTurnCases,
  ...authorizationCases,
  ...invitationCases,
  ...labelCases,
  ...outboxCases,
  ...auditCases,
  ...reportCases,
  ...trafficCases,
  ...switchCases,
  ...journeyCases,
  ...proxyCases,
  ...transactionCases,
  ...secrecyCases,
};

/**
 * What every {@link Store} must do, for any test runner: each case gets a database of its own.
 *
 * @example
 * ```ts
 * for (const { name, run } of storeContract(createDatabase)) it(name, run);
 * ```
 */
export function storeContract(createDatabase: () => Promise<ContractDatabase>): ContractCase[] {
  return Object.entries(tests).map(([name, test]) => ({
    name,
    async run() {
      const database = await createDatabase();
      const stores: Store[] = [];
      const open = async () => {
        const store = await database.open();
        stores.push(store);
        return store;
      };
      try {
        await test(await open(), open);
      } finally {
        await Promise.all(stores.map((store) => store.close()));
        await database.drop();
      }
    },
  }));
}
