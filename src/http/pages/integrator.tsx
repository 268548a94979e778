import { Name } from './name.tsx';

/** The integrator by name, or by role where its name is not configured. */
export function Integrator({ name }: { readonly name?: string | undefined }) {
  return name === undefined ? <>the company that sent you this link</> : <Name value={name} />;
}
