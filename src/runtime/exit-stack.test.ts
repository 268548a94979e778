import { describe, expect, it } from 'vitest';
import { createExitStack } from './exit-stack.ts';

function open(failing: readonly string[] = []) {
  const exit = createExitStack();
  const closed: string[] = [];
  for (const name of ['store', 'http', 'server']) {
    exit.defer(async () => {
      await Promise.resolve();
      closed.push(name);
      if (failing.includes(name)) throw new Error(`${name} is stuck`);
    });
  }
  return { exit, closed };
}

describe('an exit stack', () => {
  it('closes what was opened last first', async () => {
    const { exit, closed } = open();
    await exit.close();
    expect(closed).toEqual(['server', 'http', 'store']);
  });

  it('closes the rest when one part fails, and says what failed', async () => {
    const { exit, closed } = open(['http']);
    await expect(exit.close()).rejects.toThrow('http is stuck');
    expect(closed).toEqual(['server', 'http', 'store']);
  });

  it('names every failure where there are several', async () => {
    const { exit } = open(['http', 'store']);
    const error = await exit.close().catch((thrown: unknown) => thrown as AggregateError);
    expect(error).toBeInstanceOf(AggregateError);
    const { errors } = error as AggregateError;
    expect(errors.map(String)).toEqual(['Error: http is stuck', 'Error: store is stuck']);
  });

  it('closes once, whoever asks', async () => {
    const { exit, closed } = open();
    await Promise.all([exit.close(), exit.close()]);
    await exit[Symbol.asyncDispose]();
    expect(closed).toEqual(['server', 'http', 'store']);
  });
});
