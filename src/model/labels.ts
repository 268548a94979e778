/** Free words about a customer by name, as the integrator's file had them in further columns. */
export type Labels = Readonly<Record<string, string>>;
