import { z } from 'zod';
import { textOf, type JsonObject } from '../../state/json.ts';
import type { ApiHandler, HandlerTable } from '../api-call.ts';
import { readWrite } from '../body.ts';
import { valueAt } from '../query/sparse.ts';
import { presentReply } from '../resource-kind.ts';
import {
  addStored,
  changeStored,
  collectionOf,
  createStored,
  deleteStored,
  getStored,
  listStored,
  updateStored,
  withTimes,
  type StoredKind,
} from '../stored-kind.ts';
import { seedName, type SeededKind } from '../seeded-kind.ts';
import { change, creation, nameText } from './bodies.ts';
import { freeObject } from './profile-attributes.ts';

/** How templates are shown. */
export const templateKind: StoredKind = {
  type: 'template',
  path: 'templates',
  attributes: (_, template) => withTimes(template),
};

const markup = z.string().max(1_000_000);

/** Templates of HTML. Those of the drag-and-drop editor answer 501. */
const createTemplate = createStored(
  templateKind,
  creation('template', {
    name: nameText,
    editor_type: z.string(),
    html: markup.nullish(),
    text: markup.nullish(),
    amp: markup.nullish(),
    definition: z.unknown().optional(),
  }),
  (call, { data: { attributes } }) => {
    const { definition, editor_type, name, html, text, amp } = attributes;
    if (definition !== undefined || editor_type !== 'CODE') {
      return { refusal: call.errors.notImplemented('A template of another editor than CODE') };
    }
    const shown = { name, editor_type, html: html ?? '', text: text ?? null, amp: amp ?? null };
    return addStored(call, templateKind, shown);
  },
);

const updateTemplate = updateStored(
  templateKind,
  change('template', {
    name: nameText.optional(),
    html: markup.optional(),
    text: markup.nullable().optional(),
    amp: markup.nullable().optional(),
    definition: z.unknown().optional(),
  }),
  (call, template, { data: { attributes } }) =>
    attributes.definition === undefined
      ? changeStored(call, templateKind, template, attributes)
      : { refusal: call.errors.notImplemented('The definition of a template') },
);

const cloneBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('template'),
    id: z.string(),
    attributes: z.strictObject({ name: nameText.nullish() }).default({}),
  }),
});

const cloneTemplate = createStored(
  templateKind,
  cloneBody,
  (call, { data }) => {
    const original = collectionOf(call, templateKind).get(data.id);
    if (!original) return { refusal: call.errors.notFound('template', data.id) };
    // A clone without a name of its own has the original's (assumed).
    const name = data.attributes.name ?? original.attributes['name'] ?? null;
    return addStored(call, templateKind, { ...original.attributes, name });
  },
  200,
);

const renderBody = z.strictObject({
  data: z.strictObject({
    type: z.literal('template'),
    id: z.string(),
    attributes: z.strictObject({ context: freeObject }),
  }),
});

/**
 * `POST /api/template-render`: puts the context's values in the place of `{{ name.of.value }}`. A
 * template that needs more of the template language than that answers 501.
 */
const renderTemplate: ApiHandler = (call) => {
  const read = readWrite(call, renderBody);
  if ('refusal' in read) return read.refusal;
  const { id, attributes } = read.body.data;
  const template = collectionOf(call, templateKind).get(id);
  if (!template) return call.errors.notFound('template', id);
  const { context } = attributes;
  const own = template.attributes;
  const texts = { html: textOf(own['html']), text: textOf(own['text']), amp: textOf(own['amp']) };
  if (Object.values(texts).some((text) => /\{%|\{\{[^}]*\|/.test(text))) {
    return call.errors.notImplemented('A template with tags or filters');
  }
  const rendered = {
    html: fill(texts.html, context),
    text: fill(texts.text, context),
    amp: fill(texts.amp, context),
  };
  const shown = { ...template, attributes: { ...template.attributes, ...rendered } };
  return presentReply(call, read.query, templateKind, shown, 200);
};

/** Puts values in the place of their names; what is no text or number is left out. */
function fill(text: string, context: JsonObject): string {
  return text.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (_, path: string) => {
    const value = valueAt(context, path);
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  });
}

/** A template that exists from the start. */
export interface SeedTemplate {
  readonly name: string;
  readonly html: string;
}

export const seededTemplates: SeededKind<SeedTemplate> = {
  type: templateKind.type,
  schema: z.strictObject({ name: seedName, html: z.string() }),
  attributes: ({ html }) => ({ editor_type: 'CODE', text: null, amp: null, html }),
};

export const templateHandlers: HandlerTable = {
  get_templates: listStored(templateKind),
  create_template: createTemplate,
  get_template: getStored(templateKind),
  update_template: updateTemplate,
  delete_template: deleteStored(templateKind, undefined, 200),
  clone_template: cloneTemplate,
  render_template: renderTemplate,
};
