import { defineConfig } from 'vitest/config';
import { createSummaryReporter } from './test/support/summary-reporter.ts';

const summaryPath = process.env['KEYSHIFT_TEST_SUMMARY'];

export default defineConfig({
  test: {
    environment: 'node',
    include: ['src/**/*.test.{ts,tsx}', 'test/**/*.test.ts'],
    globalSetup: ['test/support/postgres.ts'],
    setupFiles: ['test/support/refuse-network.ts'],
    // Two cores shared by PostgreSQL, child processes and the tests themselves.
    testTimeout: 20_000,
    hookTimeout: 60_000,
    reporters: summaryPath ? ['default', createSummaryReporter(summaryPath)] : ['default'],
    coverage: {
      include: ['src/**/*.{ts,tsx}'],
      exclude: ['src/**/*.test.{ts,tsx}'],
    },
  },
});
