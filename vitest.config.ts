import { defineConfig } from 'vitest/config';

/**
 * Suites of many real processes. They prove nothing by the time that something takes, so a busy
 * machine only makes them slower; they run one after the other when the rest is done.
 */
const processSuites = ['crash', 'race', 'rehearse'].map((name) => `test/${name}/**/*.test.ts`);

export default defineConfig({
  test: {
    globalSetup: ['test/support/postgres.ts'],
    coverage: {
      include: ['src/**/*.{ts,tsx}'],
      exclude: ['src/**/*.test.{ts,tsx}'],
    },
    projects: [
      {
        test: {
          ...shared(60_000),
          name: 'unit and flows',
          // Half of their time is waiting: one worker a core leaves none idle.
          maxWorkers: '100%',
          include: ['src/**/*.test.{ts,tsx}', 'test/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...processSuites],
        },
      },
      {
        test: {
          ...shared(300_000),
          name: 'processes',
          include: processSuites,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});

function shared(timeoutMs: number) {
  return {
    environment: 'node' as const,
    setupFiles: ['test/support/refuse-network.ts'],
    // Two cores shared by PostgreSQL, child processes and the tests themselves.
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
  };
}
