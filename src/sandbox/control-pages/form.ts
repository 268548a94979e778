import { controlPrefix } from '../control/control-route.ts';
import { markup, type Markup } from '../pages/page.ts';

/** What a button of the page does. */
export interface Action {
  /** Path of the control route below `/_sandbox`. */
  readonly path: string;
  readonly label: string;
  /** Fields that the person does not see. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Fields that the person fills in. */
  readonly inputs?: Markup | readonly Markup[];
  /** Where to come back to, such as `/#clock`. */
  readonly back: string;
  /** What a reader of the screen hears where the label alone would not tell. */
  readonly describedAs?: string;
}

/** A form that does what a control route does: a POST and back, without any script. */
export function actionForm(action: Action): Markup {
  const fields = Object.entries({ ...action.fields, _back: action.back }).map(
    ([name, value]) => markup`<input type="hidden" name="${name}" value="${value}">`,
  );
  const { describedAs, inputs = [] } = action;
  const hidden = describedAs ? markup`<span class="hidden"> ${describedAs}</span>` : [];
  return markup`<form class="action" method="post" action="${controlPrefix}${action.path}">${fields}${inputs}<button type="submit">${action.label}${hidden}</button></form>`;
}

/** A labelled text or number field. */
export function textField(
  label: string,
  name: string,
  {
    value = '',
    type = 'text',
  }: { readonly value?: string; readonly type?: 'text' | 'number' } = {},
): Markup {
  const step = type === 'number' ? markup` step="any"` : [];
  return markup`<label>${label} <input type="${type}" name="${name}" value="${value}"${step} autocomplete="off"></label> `;
}

/** A labelled choice; the chosen value first where there is one. */
export function choiceField(
  label: string,
  name: string,
  options: readonly string[],
  chosen?: string,
): Markup {
  const items = options.map((option) =>
    option === chosen
      ? markup`<option selected>${option}</option>`
      : markup`<option>${option}</option>`,
  );
  return markup`<label>${label} <select name="${name}">${items}</select></label> `;
}

/** Head of the column with the buttons. */
export const actions = 'Actions';

/** A table that scrolls by itself where the screen is narrow. */
export function table(
  name: string,
  head: readonly string[],
  rows: readonly (readonly (Markup | string | number)[])[],
): Markup {
  // On a narrow screen cells stand below each other, each with the head of its column.
  const cells = (row: readonly (Markup | string | number)[]) =>
    row.map((cell, column) =>
      head[column] === actions || cell === ''
        ? markup`<td>${cell}</td>`
        : markup`<td data-label="${head[column] ?? ''}">${cell}</td>`,
    );
  return markup`<div class="scroll" role="region" aria-label="${name}" tabindex="0"><table>
<thead><tr>${head.map((text) => markup`<th scope="col">${text}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => markup`<tr>${cells(row)}</tr>\n`)}</tbody>
</table></div>`;
}
