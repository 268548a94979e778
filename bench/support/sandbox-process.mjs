/** Runs a sandbox without limits in a process of its own, so that its CPU is not counted. */
import { createSampleSeed, startSandbox } from '../../dist/sandbox.js';

const [redirectUri, clientId, clientSecret, customers] = process.argv.slice(2);
const seed = createSampleSeed({
  customers: Number(customers),
  app: { clientId, clientSecret, redirectUris: [redirectUri] },
});
const sandbox = await startSandbox({ seed, limits: false });
process.send({ url: sandbox.url, accounts: seed.accounts.map(({ id }) => id) });
process.on('disconnect', () => void sandbox.close());
