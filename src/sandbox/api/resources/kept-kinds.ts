import { z } from 'zod';
import { ulid } from '../../ids.ts';
import type { JsonObject } from '../../state/json.ts';
import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall, HandlerTable } from '../api-call.ts';
import { isoTime } from '../json-api.ts';
import { readQuery } from '../query/read-query.ts';
import { relationTo } from '../relation.ts';
import { presentReply } from '../resource-kind.ts';
import {
  addStored,
  changeStored,
  createStored,
  deleteStored,
  getStored,
  listStored,
  relation,
  updateStored,
  withTimes,
  type StoredKind,
} from '../stored-kind.ts';
import { change, creation, nameText } from './bodies.ts';
import { metricKind } from './metric-kind.ts';
import { freeObject } from './profile-attributes.ts';

/*
 * Kinds whose resources are kept as they are sent and do nothing: nobody fetches a feed, renders a
 * block or computes a metric here.
 */

const webFeedKind: StoredKind = {
  type: 'web-feed',
  path: 'web-feeds',
  attributes: (_, feed) => withTimes(feed),
};

const feedFields = {
  name: nameText,
  url: z.url({ protocol: /^https?$/ }),
  request_method: z.enum(['get', 'post']),
  content_type: z.enum(['json', 'xml']),
};

const dataSourceKind: StoredKind = {
  type: 'data-source',
  path: 'data-sources',
  attributes: (_, { attributes }) => attributes,
};

const universalContentKind: StoredKind = {
  type: 'template-universal-content',
  path: 'template-universal-content',
  attributes: (_, block) => withTimes(block),
};

/** How images are shown. Only their names are kept: nothing is fetched, and the address leads nowhere. */
export const imageKind: StoredKind = {
  type: 'image',
  path: 'images',
  attributes: (_, { attributes, updatedMs }) => ({ ...attributes, updated_at: isoTime(updatedMs) }),
};

/** Keeps an image; ids of images are numbers (recorded). */
function addImage(call: ApiCall, name: string, hidden: boolean, format: string): StoredResource {
  const id = String(100_000_000 + (call.context.random.bytes(4).readUInt32BE() % 900_000_000));
  const image_url = `https://images.sample.example/${id}.${format}`;
  return addStored(call, imageKind, { name, image_url, format, size: 1, hidden }, { id });
}

function formatOf(address: string): string {
  return /\.(png|jpe?g|gif)(?:[?#]|$)/i.exec(address)?.[1]?.toLowerCase() ?? 'png';
}

/** The fields of a multipart body, and the name of the file in it; `undefined` without a file. */
function readUpload(body: string): { file: string; fields: Map<string, string> } | undefined {
  const fields = new Map<string, string>();
  let file: string | undefined;
  for (const part of body.split(/\r?\n--/)) {
    const [, name, fileName] =
      /content-disposition:[^\r\n]*?\bname="([^"]*)"(?:[^\r\n]*?filename="([^"]*)")?/i.exec(part) ??
      [];
    if (name === 'file') file = fileName ?? 'image.png';
    else if (name !== undefined)
      fields.set(name, (/\r?\n\r?\n([^\r\n]*)/.exec(part)?.[1] ?? '').trim());
  }
  return file === undefined ? undefined : { file, fields };
}

/** How custom metrics are shown. */
export const customMetricKind: StoredKind = {
  type: 'custom-metric',
  path: 'custom-metrics',
  attributes: (_, metric) => withTimes(metric),
  relations: {
    metrics: relationTo(() => metricKind, metricsOf, { data: 'always' }),
  },
};

function metricsOf(call: ApiCall, { attributes }: StoredResource) {
  const { metric_groups: groups = [] } = attributes['definition'] as {
    metric_groups?: readonly { readonly metric_id?: string }[];
  };
  const ids = [...new Set(groups.map(({ metric_id: id }) => id))];
  return ids.flatMap((id) => call.resources.metrics.pick(id));
}

const customDefinition = z.looseObject({
  aggregation_method: z.enum(['count', 'value']),
  metric_groups: z.array(z.looseObject({ metric_id: z.string() })).min(1),
});

const metrics = relation(customMetricKind, metricKind, metricsOf);

/** A metric of a definition that the account does not have. */
function refuseMetric(call: ApiCall, definition: z.infer<typeof customDefinition> | undefined) {
  const stranger = definition?.metric_groups.find(
    ({ metric_id: id }) => !call.resources.metrics.get(id),
  );
  return stranger && { refusal: call.errors.notFound('metric', stranger.metric_id) };
}

const newUlid = (call: ApiCall) => ulid(call.context.random, call.context.clock.now());

/** An image that a multipart body brings. */
const uploadImage: HandlerTable[string] = (call) => {
  const read = readQuery(call);
  if ('refusal' in read) return read.refusal;
  const upload =
    call.mediaType === 'multipart/form-data' ? readUpload(call.body.toString('latin1')) : undefined;
  if (!upload)
    return call.errors.invalid('A file is required.', { pointer: '/data/attributes/file' });
  const { file, fields } = upload;
  const image = addImage(
    call,
    fields.get('name') ?? file.replace(/\.\w+$/, ''),
    fields.get('hidden') === 'true',
    formatOf(file),
  );
  return presentReply(call, read.query, imageKind, image, 201);
};

export const keptHandlers: HandlerTable = {
  get_web_feeds: listStored(webFeedKind),
  create_web_feed: createStored(
    webFeedKind,
    creation('web-feed', feedFields),
    (call, { data: { attributes } }) =>
      addStored(call, webFeedKind, { ...attributes, status: null }),
  ),
  get_web_feed: getStored(webFeedKind),
  update_web_feed: updateStored(
    webFeedKind,
    change('web-feed', z.strictObject(feedFields).partial().shape),
    (call, feed, { data: { attributes } }) => changeStored(call, webFeedKind, feed, attributes),
  ),
  delete_web_feed: deleteStored(webFeedKind),

  get_data_sources: listStored(dataSourceKind),
  create_data_source: createStored(
    dataSourceKind,
    creation('data-source', {
      title: nameText,
      visibility: z.enum(['private', 'shared']).nullish(),
      description: z.string().nullish(),
      namespace: z.string().nullish(),
    }),
    (call, { data: { attributes } }) =>
      addStored(
        call,
        dataSourceKind,
        {
          title: attributes.title,
          visibility: attributes.visibility ?? 'private',
          description: attributes.description ?? '',
          namespace: attributes.namespace ?? 'custom-objects',
        },
        { id: newUlid(call) },
      ),
  ),
  get_data_source: getStored(dataSourceKind),
  delete_data_source: deleteStored(dataSourceKind),

  get_all_universal_content: listStored(universalContentKind),
  create_universal_content: createStored(
    universalContentKind,
    creation('template-universal-content', { name: nameText, definition: freeObject }),
    (call, { data: { attributes } }) =>
      addStored(
        call,
        universalContentKind,
        { ...attributes, screenshot_status: 'never_generated', screenshot_url: '' },
        { id: newUlid(call) },
      ),
  ),
  get_universal_content: getStored(universalContentKind),
  update_universal_content: updateStored(
    universalContentKind,
    change('template-universal-content', {
      name: nameText.optional(),
      definition: freeObject.optional(),
    }),
    (call, block, { data: { attributes } }) =>
      changeStored(call, universalContentKind, block, attributes),
  ),
  delete_universal_content: deleteStored(universalContentKind),

  get_images: listStored(imageKind),
  upload_image_from_url: createStored(
    imageKind,
    creation('image', {
      name: nameText.nullish(),
      import_from_url: z
        .string()
        .regex(/^(https?:\/\/|data:image\/)/, 'Must be an address of an image.'),
      hidden: z.boolean().nullish(),
    }),
    (call, { data: { attributes } }) => {
      const { name, import_from_url: from, hidden } = attributes;
      const own = from.startsWith('data:') ? 'image' : (from.split(/[/?#]/).at(-1) ?? '');
      return addImage(
        call,
        name ?? (own.replace(/\.\w+$/, '') || 'image'),
        hidden ?? false,
        formatOf(from),
      );
    },
  ),
  upload_image_from_file: uploadImage,
  get_image: getStored(imageKind),
  update_image: updateStored(
    imageKind,
    change('image', { name: nameText.optional(), hidden: z.boolean().optional() }),
    (call, image, { data: { attributes } }) => changeStored(call, imageKind, image, attributes),
  ),

  get_custom_metrics: listStored(customMetricKind),
  create_custom_metric: createStored(
    customMetricKind,
    creation('custom-metric', { name: nameText, definition: customDefinition }),
    (call, { data: { attributes } }) =>
      refuseMetric(call, attributes.definition) ??
      addStored(call, customMetricKind, attributes as JsonObject, { id: newUlid(call) }),
  ),
  get_custom_metric: getStored(customMetricKind),
  update_custom_metric: updateStored(
    customMetricKind,
    change('custom-metric', {
      name: nameText.optional(),
      definition: customDefinition.optional(),
    }),
    (call, metric, { data: { attributes } }) =>
      refuseMetric(call, attributes.definition) ??
      changeStored(call, customMetricKind, metric, attributes),
  ),
  delete_custom_metric: deleteStored(customMetricKind),
  get_metrics_for_custom_metric: metrics.related,
  get_metric_ids_for_custom_metric: metrics.identifiers,
};
