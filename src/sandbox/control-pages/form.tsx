import type { Child } from 'hono/jsx';
import { controlPrefix } from '../control/control-route.ts';

/** What a button of the page does. */
export interface ActionProps {
  /** Path of the control route below `/_sandbox`. */
  readonly path: string;
  readonly label: string;
  /** Fields that the person does not see. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Where to come back to, such as `/#clock`. */
  readonly back: string;
  /** What a reader of the screen hears where the label alone would not tell. */
  readonly describedAs?: string;
  /** Fields that the person fills in. */
  readonly children?: Child;
}

/** A form that does what a control route does: a POST and back, without any script. */
export function Action({ path, label, fields, back, describedAs, children }: ActionProps) {
  return (
    <form class="action" method="post" action={`${controlPrefix}${path}`}>
      {Object.entries({ ...fields, _back: back }).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      {children}
      <button type="submit">
        {label}
        {describedAs !== undefined && <Hidden text={describedAs} />}
      </button>
    </form>
  );
}

/** Words for a reader of the screen. */
export function Hidden({ text }: { readonly text: string }) {
  return <span class="hidden"> {text}</span>;
}

interface FieldProps {
  readonly label: string;
  readonly name: string;
}

export function TextField({ label, name, value = '' }: FieldProps & { readonly value?: string }) {
  return (
    <label>
      {label} <input type="text" name={name} value={value} autocomplete="off" />
    </label>
  );
}

export function NumberField({ label, name }: FieldProps) {
  return (
    <label>
      {label} <input type="number" name={name} step="any" autocomplete="off" />
    </label>
  );
}

export function ChoiceField({
  label,
  name,
  options,
}: FieldProps & { readonly options: readonly string[] }) {
  return (
    <label>
      {label}{' '}
      <select name={name}>
        {options.map((option) => (
          <option>{option}</option>
        ))}
      </select>
    </label>
  );
}

/** Head of the column with the buttons. */
export const actions = 'Actions';

/** A table that scrolls by itself where the screen is narrow. */
export function Table({
  name,
  head,
  rows,
}: {
  readonly name: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly Child[])[];
}) {
  return (
    <div class="scroll" role="region" aria-label={name} tabindex={0}>
      <table>
        <thead>
          <tr>
            {head.map((text) => (
              <th scope="col">{text}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr>
              {/* On a narrow screen cells stand below each other, each with the head of its column. */}
              {row.map((cell, column) => (
                <td data-label={head[column] === actions || cell === '' ? undefined : head[column]}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
