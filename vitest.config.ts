import { defineConfig } from 'vitest/config';
import { createSummaryReporter } from './test/support/summary-reporter.ts';

const summaryPath = process.env['KEYSHIFT_TEST_SUMMARY'];

/** Suites of many real processes, which need a machine to themselves: `npm run test:crash`, `test:race`. */
const longSuites = ['test/crash/**', 'test/race/**'];
const wantsLongSuites = process.env['KEYSHIFT_LONG_SUITES'] === '1';

export default defineConfig({
  test: {
    environment: 'node',
    include: ['src/**/*.test.{ts,tsx}', 'test/**/*.test.ts'],
    exclude: ['**/node_modules/**', ...(wantsLongSuites ? [] : longSuites)],
    globalSetup: ['test/support/postgres.ts'],
    setupFiles: ['test/support/refuse-network.ts'],
    // Two cores shared by PostgreSQL, child processes and the tests themselves.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: summaryPath ? ['default', createSummaryReporter(summaryPath)] : ['default'],
    coverage: {
      include: ['src/**/*.{ts,tsx}'],
      exclude: ['src/**/*.test.{ts,tsx}'],
    },
  },
});
