import { Option } from 'commander';

/** How many keys are asked about at the same time. */
export function concurrencyOption(): Option {
  return new Option('--concurrency <n>', 'keys asked about at the same time')
    .default(8)
    .argParser((value) => Math.min(64, Math.max(1, Number.parseInt(value, 10) || 1)));
}
