import { faultKinds } from '../faults/fault-schema.ts';
import type { Fault } from '../faults/fault.ts';
import { markup, type Markup } from '../pages/page.ts';
import { actionForm, actions, choiceField, table, textField } from './form.ts';
import type { ControlPage } from './control-page.ts';

/** The named failures with a button each. */
export function scenariosSection({ control }: ControlPage): Markup {
  const back = '/#scenarios';
  const rows = control.scenarios().map(({ name, does, fields, active }) => [
    markup`<code>${name}</code>`,
    does,
    fields.join(', '),
    markup`<div class="actions">${actionForm({
      path: '/scenarios/play',
      label: active ? 'Play again' : 'Play',
      describedAs: name,
      fields: { name },
      back,
    })}${active ? actionForm({ path: '/scenarios/end', label: 'End', describedAs: name, fields: { name }, back }) : []}</div>`,
  ]);
  return markup`<h2 id="scenarios">Scenarios</h2>
${table('Scenarios', ['Name', 'What goes wrong', 'Takes', actions], rows)}`;
}

/** The faults in force, and a form for another one. */
export function faultsSection({ control }: ControlPage): Markup {
  const faults = control.faults();
  const back = '/#faults';
  const rows = faults.map(({ id, fault, remaining }) => [
    id,
    fault.kind,
    whereOf(fault),
    remaining ?? 'no end',
    actionForm({
      path: '/faults/remove',
      label: 'Remove',
      describedAs: `fault ${id}`,
      fields: { id: String(id) },
      back,
    }),
  ]);
  const add = actionForm({
    path: '/faults',
    label: 'Add fault',
    inputs: [
      choiceField('Kind', 'kind', faultKinds),
      textField('Path', 'match.path', { value: '/api/*' }),
      textField('Status', 'status', { type: 'number' }),
      textField('Delay, ms', 'delayMs', { type: 'number' }),
      textField('Times', 'times', { type: 'number' }),
      textField('Chance, 0 to 1', 'probability', { type: 'number' }),
    ],
    back,
  });
  const list = table('Faults', ['Id', 'Kind', 'Where', 'Left', actions], rows);
  const clear = actionForm({ path: '/faults/clear', label: 'Remove all', back });
  return markup`<h2 id="faults">Faults</h2>
<div class="actions">${add}${faults.length > 0 ? clear : []}</div>
${faults.length > 0 ? list : markup`<p>Nothing goes wrong on purpose.</p>`}`;
}

function whereOf({ match }: Fault): string {
  const { method, path, operation, accountId } = match;
  return [method, path, operation, accountId && `of ${accountId}`].filter(Boolean).join(' ');
}
