/**
 * `npm run test:race` and `npm run test:crash [kills]`: the suites of many real processes alone.
 * `npm test` holds the crash suite in short form; here it kills at least 200 times by default, with
 * a table of all kills at the end. `npm run test:rehearse [kills]` kills a rehearsal of 1000
 * customers 20 times by default.
 */
import { fileURLToPath } from 'node:url';

const [suite, kills] = process.argv.slice(2);
if (suite === 'crash') process.env.KEYSHIFT_CRASH_KILLS ??= kills ?? '200';
if (suite === 'rehearse') process.env.KEYSHIFT_REHEARSE_KILLS ??= kills ?? '20';
const runner = fileURLToPath(new URL('./run.mjs', import.meta.url));
process.argv = [process.argv[0], runner, 'test', `test/${suite}`];
await import('./run.mjs');
