import { Name } from './name.tsx';

/**
 * The integrator by name, or by role where its name is not configured; `begins` a sentence or not.
 */
export function Integrator({
  name,
  begins = false,
}: {
  readonly name?: string | undefined;
  readonly begins?: boolean;
}) {
  if (name !== undefined) return <Name value={name} />;
  return <>{begins ? 'The' : 'the'} company that sent you this link</>;
}
