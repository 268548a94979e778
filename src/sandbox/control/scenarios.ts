import { KeyshiftError } from '../../errors/keyshift-error.ts';
import { describeIssue } from '../describe-issue.ts';
import { parseFormValue } from './form-values.ts';
import type { ListedScenario, PlayedScenario } from './sandbox-control.ts';
import type { Stage } from './scenario.ts';
import { scenarioTable } from './scenario-table.ts';

/** The scenarios of one sandbox and which of them are active. */
export interface Scenarios {
  list(): ListedScenario[];
  /** @throws KeyshiftError `not_found`, `request_invalid` */
  play(stage: Stage, name: string, input?: object): PlayedScenario;
  /** Returns whether it was active. */
  end(name: string): boolean;
  /** Forgets which are active, without undoing anything. */
  forget(): void;
}

/** Creates the scenarios of a sandbox, none of them active. */
export function createScenarios(): Scenarios {
  const active = new Map<string, () => void>();
  const end = (name: string) => {
    active.get(name)?.();
    return active.delete(name);
  };
  return {
    list: () =>
      scenarioTable.map(({ name, does, input }) => ({
        name,
        does,
        fields: Object.keys(input.shape),
        active: active.has(name),
      })),
    play(stage, name, input = {}) {
      const scenario = scenarioTable.find((each) => each.name === name);
      if (!scenario) {
        throw new KeyshiftError('not_found', `There is no scenario named ${name}.`, {
          fix: `Scenarios are ${scenarioTable.map((each) => each.name).join(', ')}.`,
        });
      }
      const parsed = parseFormValue(scenario.input, input);
      if (!parsed.success) {
        const { place, message } = describeIssue(parsed.error);
        throw new KeyshiftError(
          'request_invalid',
          `The input of the scenario ${name} is not valid: ${place}${place ? ': ' : ''}${message}.`,
          { fix: `It takes ${Object.keys(scenario.input.shape).join(', ') || 'nothing'}.` },
        );
      }
      end(name);
      const effect = scenario.play(stage, parsed.data);
      if (effect.end) active.set(name, effect.end);
      const { did, clientSecret } = effect;
      return { name, did, ...(clientSecret === undefined ? {} : { clientSecret }) };
    },
    end,
    forget: () => {
      active.clear();
    },
  };
}
