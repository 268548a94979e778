/**
 * `npm run test:crash [kills]`: the crash suite in its long form, at least 200 kills by default,
 * with a table of all of them at the end.
 */
import { fileURLToPath } from 'node:url';

process.env.KEYSHIFT_CRASH_KILLS ??= process.argv[2] ?? '200';
const runner = fileURLToPath(new URL('./run.mjs', import.meta.url));
process.argv = [process.argv[0], runner, 'test', 'test/crash'];
await import('./run.mjs');
