import { z } from 'zod';
import type { ApiReply } from '../../context/api-error.ts';
import type { StoredResource } from '../../state/stored-resource.ts';
import type { ApiCall, HandlerTable } from '../api-call.ts';
import { linked, relationTo } from '../relation.ts';
import { identifierReply, itemReply } from '../resource-kind.ts';
import {
  addStored,
  changeStored,
  collectionOf,
  createStored,
  deleteStored,
  getStored,
  listStored,
  refuseStrangers,
  refuseTaken,
  relation,
  storedInPath,
  storedOf,
  updateStored,
  type StoredKind,
} from '../stored-kind.ts';
import { change, creation, identifierOf } from './bodies.ts';
import { jobHandlers } from './catalog-jobs.ts';

type Made = StoredResource | { readonly refusal: ApiReply };

const couponKind: StoredKind = {
  type: 'coupon',
  path: 'coupons',
  attributes: (_, coupon) => coupon.attributes,
};

const codeKind: StoredKind = {
  type: 'coupon-code',
  path: 'coupon-codes',
  attributes: (_, code) => code.attributes,
  relations: {
    coupon: relationTo(
      () => couponKind,
      (call, { related }) => storedOf(call, couponKind, related?.['coupon']),
      { one: true, data: 'always' },
    ),
    profile: linked,
  },
  values: {
    'coupon.id': (_, { related }) => related?.['coupon']?.[0] ?? null,
    'profile.id': () => null,
  },
};

/** At least a hundred (recorded); it comes back as text (recorded). */
const threshold = z.coerce
  .number()
  .int()
  .min(100, 'low_balance_threshold must be at least 100.')
  .transform(String);

type Monitor = { readonly low_balance_threshold?: string | null | undefined } | null | undefined;

const shownMonitor = (monitor: Monitor) => ({
  low_balance_threshold: monitor?.low_balance_threshold ?? null,
});

const couponFields = {
  description: z.string().max(2_000).nullish(),
  monitor_configuration: z.strictObject({ low_balance_threshold: threshold.nullish() }).nullish(),
};

/** Letters, digits and underscores: a hyphen would be taken for the one in ids of codes (recorded). */
const couponId = z
  .string()
  .min(1)
  .max(255)
  .regex(/^\w+$/, 'external_id may hold letters, digits and underscores only.');

const createCoupon = createStored(
  couponKind,
  creation('coupon', { external_id: couponId, ...couponFields }),
  (call, { data: { attributes } }): Made => {
    const { external_id, description = null, monitor_configuration } = attributes;
    // The external id is the id (Klaviyo's OpenAPI file).
    return (
      refuseTaken(call, couponKind, external_id) ??
      addStored(
        call,
        couponKind,
        { external_id, description, monitor_configuration: shownMonitor(monitor_configuration) },
        { id: external_id },
      )
    );
  },
);

const updateCoupon = updateStored(
  couponKind,
  change('coupon', couponFields),
  (call, coupon, { data: { attributes } }) => {
    const { monitor_configuration: monitor, ...others } = attributes;
    const change = monitor === undefined ? {} : { monitor_configuration: shownMonitor(monitor) };
    return changeStored(call, couponKind, coupon, { ...others, ...change });
  },
);

const expiresAt = z.iso.datetime({ offset: true }).nullish();
const newCode = z.strictObject({
  type: z.literal('coupon-code'),
  attributes: z.strictObject({ unique_code: z.string().min(1).max(255), expires_at: expiresAt }),
  relationships: z.strictObject({ coupon: z.strictObject({ data: identifierOf('coupon') }) }),
});

function addCode(call: ApiCall, { attributes, relationships }: z.infer<typeof newCode>): Made {
  const { id: coupon } = relationships.coupon.data;
  const { unique_code, expires_at = null } = attributes;
  const id = `${coupon}-${unique_code}`;
  const shown = { unique_code, expires_at, status: 'UNASSIGNED' };
  return (
    refuseStrangers(call, couponKind, [coupon]) ??
    refuseTaken(call, codeKind, id) ??
    addStored(call, codeKind, shown, { id, related: { coupon: [coupon] } })
  );
}

const createCode = createStored(
  codeKind,
  z.strictObject({ data: newCode }),
  (call, { data }) => addCode(call, data),
  200,
);

const updateCode = updateStored(
  codeKind,
  change('coupon-code', {
    expires_at: expiresAt,
    status: z
      .enum([
        'ASSIGNED_TO_PROFILE',
        'DELETING',
        'PROCESSING',
        'UNASSIGNED',
        'USED',
        'VERSION_NOT_ACTIVE',
      ])
      .optional(),
  }),
  (call, code, { data }) => changeStored(call, codeKind, code, data.attributes),
);

const codesOf = (call: ApiCall, couponId: string) =>
  collectionOf(call, codeKind)
    .all()
    .filter(({ related }) => related?.['coupon']?.includes(couponId));

const codes = relation(couponKind, codeKind, (call, { id }) => codesOf(call, id), { include: [] });
const jobs = jobHandlers({ kind: codeKind, what: 'create', part: newCode, run: addCode });

/** Coupons with their codes. Nobody is ever assigned one. */
export const couponHandlers: HandlerTable = {
  get_coupons: listStored(couponKind),
  create_coupon: createCoupon,
  get_coupon: getStored(couponKind),
  update_coupon: updateCoupon,
  delete_coupon: deleteStored(couponKind, (call, { id }) => {
    for (const code of codesOf(call, id)) collectionOf(call, codeKind).remove(code.id);
    return undefined;
  }),
  get_coupon_codes_for_coupon: codes.related,
  get_coupon_code_ids_for_coupon: codes.identifiers,
  get_coupon_codes: listStored(codeKind),
  create_coupon_code: createCode,
  get_coupon_code: getStored(codeKind),
  update_coupon_code: updateCode,
  delete_coupon_code: deleteStored(codeKind),
  get_coupon_for_coupon_code: (call) => {
    const found = storedInPath(call, codeKind);
    if ('refusal' in found) return found.refusal;
    const [coupon] = storedOf(call, couponKind, found.item.related?.['coupon']);
    return coupon ? itemReply(call, couponKind, coupon) : call.errors.notFound('coupon', '');
  },
  get_coupon_id_for_coupon_code: (call) => {
    const found = storedInPath(call, codeKind);
    if ('refusal' in found) return found.refusal;
    return identifierReply(call, 'coupon', found.item.related?.['coupon']?.[0]);
  },
  bulk_create_coupon_codes: jobs.begin,
  get_bulk_create_coupon_code_jobs: jobs.list,
  get_bulk_create_coupon_codes_job: jobs.get,
};
