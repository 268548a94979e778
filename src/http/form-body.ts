import { KeyshiftError } from '../errors/keyshift-error.ts';
import type { HttpContext } from './http-context.ts';

/**
 * The text fields of a form, as browsers and mail programs send them; none where there is no form.
 *
 * @throws KeyshiftError `request_invalid` for a body that is no form although it says so
 */
export async function readForm(context: HttpContext): Promise<Readonly<Record<string, string>>> {
  let fields: Record<string, string | File>;
  try {
    fields = await context.req.parseBody();
  } catch (cause) {
    // Where another body is too large, that is said.
    if (cause instanceof KeyshiftError) throw cause;
    throw new KeyshiftError('request_invalid', 'The form cannot be read.', {
      cause,
      fix: 'Go back, reload the page and send the form again.',
    });
  }
  return Object.fromEntries(
    Object.entries(fields).filter(
      (field): field is [string, string] => typeof field[1] === 'string',
    ),
  );
}
