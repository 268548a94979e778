/**
 * Runs `work` behind one calm line on stderr: `keyshift: <label> … 3 s`.
 *
 * Standard output is left alone, so that `keyshift status --json` stays readable by a program even
 * when it had to set the clone up first.
 *
 * @template T
 * @param {string} label what is being done, in the present participle
 * @param {() => Promise<T>} work
 * @param {{ write(text: string): unknown }} [out]
 * @returns {Promise<T>}
 */
export async function step(label, work, out = process.stderr) {
  const startedMs = performance.now();
  out.write(`keyshift: ${label} … `);
  try {
    const result = await work();
    out.write(`${Math.max(1, Math.round((performance.now() - startedMs) / 1000))} s\n`);
    return result;
  } catch (error) {
    out.write('failed\n');
    throw error;
  }
}

/**
 * A failure a person can mend: printed as `message` with no stack, after the `output` of the
 * command that failed, if any.
 */
export class SetupError extends Error {
  /**
   * @param {string} message one line: what failed and the fix
   * @param {{ output?: string, cause?: unknown }} [details]
   */
  constructor(message, details = {}) {
    super(message, { cause: details.cause });
    this.name = 'SetupError';
    this.output = details.output ?? '';
  }
}

/**
 * Prints a failure: a {@link SetupError} as output and one line, anything else with its stack.
 *
 * @param {unknown} error
 * @param {{ write(text: string): unknown }} [out]
 */
export function printFailure(error, out = process.stderr) {
  if (!(error instanceof SetupError)) {
    out.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return;
  }
  if (error.output !== '') out.write(`${error.output.trimEnd()}\n`);
  out.write(`keyshift: ${error.message}\n`);
}
