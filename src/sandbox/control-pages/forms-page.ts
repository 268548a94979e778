import { z } from 'zod';
import { controlPrefix, type ControlRoute } from '../control/control-route.ts';
import { controlRoutes } from '../control/control-routes.ts';
import type { Reply } from '../http/reply.ts';
import { markup, pageReply, type Markup } from '../pages/page.ts';
import { actionForm } from './form.ts';

/** `GET /_sandbox/forms`: a form for every control route, made from the table of routes. */
export function formsPage(): Reply {
  return pageReply(
    200,
    'All controls',
    markup`<p><a href="/">Back to the sandbox</a>. Each is an HTTP route too: send the same fields with
<code>curl -d</code>, or JSON.</p>
${controlRoutes.map(routeSection)}`,
    { wide: true },
  );
}

function routeSection(route: ControlRoute): Markup {
  const { method, path, does, ability } = route;
  const id = `${method.toLowerCase()}${path.replaceAll('/', '-')}`;
  const fields = fieldsOf(route);
  const place = `${controlPrefix}${path}`;
  const form =
    method === 'GET'
      ? markup`<form class="action" method="get" action="${place}">${fields}<button type="submit">Show<span class="hidden"> ${ability}</span></button></form>`
      : actionForm({
          path,
          label: 'Do it',
          describedAs: ability,
          inputs: fields,
          back: `/_sandbox/forms#${id}`,
        });
  return markup`<section id="${id}">
<h2>${ability}</h2>
<p>${does} — <code>${method} ${place}</code></p>
${form}
</section>
`;
}

interface FieldSchema {
  readonly type?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: unknown;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
}

function fieldsOf(route: ControlRoute): Markup[] {
  const schema = z.toJSONSchema(route.input, {
    io: 'input',
    unrepresentable: 'any',
  }) as FieldSchema;
  return fieldsIn(schema, '');
}

function fieldsIn({ properties = {} }: FieldSchema, prefix: string): Markup[] {
  return Object.entries(properties).flatMap(([name, schema]) =>
    schema.properties ? fieldsIn(schema, `${prefix}${name}.`) : [field(`${prefix}${name}`, schema)],
  );
}

function field(name: string, schema: FieldSchema): Markup {
  const text = typeof schema.description === 'string' ? schema.description : '';
  const hint = text === '' ? [] : markup` <small>${text}</small>`;
  return markup`<label class="field"><span>${name}${hint}</span> ${control(name, schema)}</label>`;
}

function control(name: string, schema: FieldSchema): Markup {
  const options = schema.type === 'boolean' ? ['true', 'false'] : schema.enum;
  if (options) {
    const items = ['', ...options.map(String)].map((option) => markup`<option>${option}</option>`);
    return markup`<select name="${name}">${items}</select>`;
  }
  if (schema.type === 'number' || schema.type === 'integer') {
    return markup`<input type="number" step="any" name="${name}">`;
  }
  if (schema.type === 'string') {
    return markup`<input type="text" name="${name}" autocomplete="off">`;
  }
  return markup`<textarea name="${name}" rows="3" spellcheck="false" placeholder="JSON"></textarea>`;
}
