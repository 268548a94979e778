import { z } from 'zod';

/** A name that a person reads. */
export const nameText = z.string().trim().min(1).max(255);

/** The type and id of one resource in a body. */
export const identifierOf = <Type extends string>(type: Type) =>
  z.strictObject({ type: z.literal(type), id: z.string().min(1) });

/** The body of the calls that add to or take from a relationship. */
export const identifiersBody = <Type extends string>(type: Type) =>
  z.strictObject({ data: z.array(identifierOf(type)).min(1).max(1_000) });

/** The body of a call that creates a resource with attributes only. */
export const creation = <Type extends string, Shape extends z.ZodRawShape>(
  type: Type,
  attributes: Shape,
) =>
  z.strictObject({
    data: z.strictObject({ type: z.literal(type), attributes: z.strictObject(attributes) }),
  });

/** The body of a call that changes a resource's attributes only. */
export const change = <Type extends string, Shape extends z.ZodRawShape>(
  type: Type,
  attributes: Shape,
) =>
  z.strictObject({
    data: z.strictObject({
      type: z.literal(type),
      id: z.string(),
      attributes: z.strictObject(attributes),
    }),
  });
