import type { SeedAccount, SeedFlow, SeedGroup } from './seed.ts';

/** A place in an account of a seed and what is wrong there. */
export interface SeedProblem {
  readonly place: string;
  readonly message: string;
}

/** Finds a name that an account of a seed uses twice or that leads nowhere. */
export function findGroupProblem(account: SeedAccount): SeedProblem | undefined {
  const { lists = [], segments = [], flows = [], templates = [] } = account;
  return (
    findTwice('lists', lists) ??
    findTwice('segments', segments) ??
    findTwice('flows', flows) ??
    findTwice('templates', templates) ??
    findStranger(account, 'lists', lists) ??
    findStranger(account, 'segments', segments) ??
    findUntriggered(account, flows)
  );
}

function findTwice(
  kind: string,
  resources: readonly { readonly name: string }[],
): SeedProblem | undefined {
  const names = resources.map(({ name }) => name);
  const index = names.findIndex((name, at) => names.indexOf(name) < at);
  return index < 0 ? undefined : { place: `${kind}[${index}].name`, message: 'is used twice' };
}

function findStranger(
  { profiles = [] }: SeedAccount,
  kind: string,
  groups: readonly SeedGroup[],
): SeedProblem | undefined {
  const known = new Set(profiles.map((profile) => profile['email']));
  for (const [index, group] of groups.entries()) {
    const at = group.profiles?.findIndex((email) => !known.has(email)) ?? -1;
    const message = 'is not the email of a profile of the account';
    if (at >= 0) return { place: `${kind}[${index}].profiles[${at}]`, message };
  }
  return undefined;
}

function findUntriggered(
  { metrics = [], lists = [], segments = [] }: SeedAccount,
  flows: readonly SeedFlow[],
): SeedProblem | undefined {
  const index = flows.findIndex(({ trigger }) => {
    if (!trigger) return false;
    if ('metric' in trigger) return !metrics.some(({ name }) => name === trigger.metric);
    if ('list' in trigger) return !lists.some(({ name }) => name === trigger.list);
    return !segments.some(({ name }) => name === trigger.segment);
  });
  if (index < 0) return undefined;
  const message = 'is not the name of a metric, list or segment of the account';
  return { place: `flows[${index}].trigger`, message };
}
