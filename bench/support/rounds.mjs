/**
 * Measures cases in turns, so that whatever else the machine does meets all of them alike: the
 * first round warms up and is not counted, and each round begins with another case. No collection
 * of garbage is forced in between: after a few of them V8 throws compiled code away, and a case
 * would pay for being compiled again.
 *
 * @param {Record<string, () => Promise<unknown>>} cases each does one operation, or as many as the
 *   number that it answers
 * @param {{ rounds: number, operations: number, atOnce: number }} size
 * @returns {Promise<Record<string, { cpuUs: number, perSecond: number }[]>>} CPU of this process
 *   an operation in microseconds, operations a second; by case, one sample a round
 */
export async function measureInTurns(cases, { rounds, operations, atOnce }) {
  const names = Object.keys(cases);
  const samples = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(round + turn) % names.length];
      const sample = await measureOne(cases[name], operations, atOnce);
      if (round > 0) samples[name].push(sample);
    }
  }
  return samples;
}

async function measureOne(operation, operations, atOnce) {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  let started = 0;
  let done = 0;
  const worker = async () => {
    while (started++ < operations) {
      const count = await operation();
      done += typeof count === 'number' ? count : 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - startedMs) / 1000;
  return { cpuUs: (user + system) / done, perSecond: done / seconds };
}

/** @param {number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median of one field over the samples of a case. */
export function medianOf(samples, field) {
  return median(samples.map((sample) => sample[field]));
}

/** The median of the ratios within each round: what disturbs one round counts once. */
export function medianRatio(samples, others, field) {
  return median(samples.map((sample, round) => sample[field] / others[round][field]));
}
