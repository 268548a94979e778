import { faultKinds } from '../faults/fault-schema.ts';
import type { Fault } from '../faults/fault.ts';
import type { ControlPage } from './accounts-section.tsx';
import { Action, actions, ChoiceField, NumberField, Table, TextField } from './form.tsx';

/** The named failures with a button each. */
export function ScenariosSection({ control }: Pick<ControlPage, 'control'>) {
  const back = '/#scenarios';
  const rows = control.scenarios().map(({ name, does, fields, active }) => {
    const common = { describedAs: name, fields: { name }, back };
    return [
      <code>{name}</code>,
      does,
      fields.join(', '),
      <div class="actions">
        <Action {...common} path="/scenarios/play" label={active ? 'Play again' : 'Play'} />
        {active && <Action {...common} path="/scenarios/end" label="End" />}
      </div>,
    ];
  });
  return (
    <>
      <h2 id="scenarios">Scenarios</h2>
      <Table name="Scenarios" head={['Name', 'What goes wrong', 'Takes', actions]} rows={rows} />
    </>
  );
}

/** The faults in force, and a form for another one. */
export function FaultsSection({ control }: Pick<ControlPage, 'control'>) {
  const faults = control.faults();
  const back = '/#faults';
  const rows = faults.map(({ id, fault, remaining }) => [
    id,
    fault.kind,
    whereOf(fault),
    remaining ?? 'no limit',
    <Action
      path="/faults/remove"
      label="Remove"
      describedAs={`fault ${id}`}
      fields={{ id: String(id) }}
      back={back}
    />,
  ]);
  return (
    <>
      <h2 id="faults">Faults</h2>
      <div class="actions">
        <Action path="/faults" label="Add fault" back={back}>
          <ChoiceField label="Kind" name="kind" options={faultKinds} />
          <TextField label="Path" name="match.path" value="/api/*" />
          <NumberField label="Status" name="status" />
          <NumberField label="Delay, ms" name="delayMs" />
          <NumberField label="Times" name="times" />
          <NumberField label="Probability (0–1)" name="probability" />
        </Action>
        {faults.length > 0 && <Action path="/faults/clear" label="Clear" back={back} />}
      </div>
      {faults.length === 0 ? (
        <p>No faults active.</p>
      ) : (
        <Table name="Faults" head={['ID', 'Kind', 'Where', 'Left', actions]} rows={rows} />
      )}
    </>
  );
}

function whereOf({ match }: Fault): string {
  const { method, path, operation, accountId } = match;
  return [method, path, operation, accountId && `of ${accountId}`].filter(Boolean).join(' ');
}
