import { betaOperations, operations, type Operation } from './operations.ts';
import aliases from './sdk-aliases.json' with { type: 'json' };

/** What generated SDKs append to a method that does the same call in another way. */
const variants = ['', 'async', 'withhttpinfo', 'asyncwithhttpinfo', 'raw'] as const;

const byName: ReadonlyMap<string, Operation> = indexNames();

/**
 * Finds the operation behind a method of a Klaviyo SDK. The SDKs are made from one OpenAPI file and
 * differ in spelling only: `getProfiles` (Node, PHP, Java), `get_profiles` (Python, Ruby),
 * `GetProfiles` (Go), `GetProfilesAsync` (.NET). Former names, which SDKs keep as aliases, count too.
 *
 * @returns `undefined` when no SDK has such a method
 * @example
 * ```ts
 * findSdkMethod('subscribe_profiles')?.id; // 'bulk_subscribe_profiles'
 * ```
 */
export function findSdkMethod(name: string): Operation | undefined {
  return byName.get(plainName(name));
}

function indexNames(): Map<string, Operation> {
  const index = new Map<string, Operation>();
  const byId = new Map<string, Operation>();
  for (const operation of [...operations, ...betaOperations]) {
    byId.set(operation.id, operation);
    addName(index, operation.id.replace(/_beta$/, ''), operation);
  }
  for (const [alias, id] of Object.entries(aliases)) {
    const operation = byId.get(id);
    if (operation) addName(index, alias, operation);
  }
  return index;
}

function addName(index: Map<string, Operation>, id: string, operation: Operation): void {
  for (const variant of variants) {
    const name = plainName(id) + variant;
    if (!index.has(name)) index.set(name, operation);
  }
}

function plainName(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}
