import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/**
 * Writes `N passed, N failed` to `path` at the end of a run.
 *
 * Whatever makes a run red counts as failed at least once: a test, a suite that does not load, a
 * hook, an error outside of any test.
 */
export function createSummaryReporter(path: string): Reporter {
  return {
    onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[], reason) {
      let passed = 0;
      let failed = unhandled.length;
      for (const module of modules) {
        let failedHere = 0;
        for (const test of module.children.allTests()) {
          const { state } = test.result();
          if (state === 'passed') passed += 1;
          if (state === 'failed') failedHere += 1;
        }
        if (failedHere === 0 && !module.ok()) failedHere = 1;
        failed += failedHere;
      }
      if (failed === 0 && reason !== 'passed') failed = 1;
      writeFileSync(path, `${passed} passed, ${failed} failed\n`);
    },
  };
}
