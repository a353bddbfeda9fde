/**
 * As much of zod's fluent surface as the schemas of a statement speak, over `zod/mini`: the same engine at a third of the
 * weight. The build puts it in the place of `zod`; a word that is missing here fails when the page loads, and so in its test.
 */
import * as mini from 'zod/mini';

type Schema = mini.ZodMiniType;
type TextSchema = mini.ZodMiniType<string, string>;

/** @__NO_SIDE_EFFECTS__ */
const fluent = <S extends Schema>(schema: S) =>
  Object.assign(schema, {
    nullable: () => fluent(mini.nullable(schema)),
    optional: () => fluent(mini.optional(schema)),
  });

/** @__NO_SIDE_EFFECTS__ */
const text = (schema: TextSchema) =>
  Object.assign(fluent(schema), {
    regex: (pattern: RegExp, message?: string): TextSchema =>
      text(schema.check(mini.regex(pattern, message))),
    min: (length: number): TextSchema => text(schema.check(mini.minLength(length))),
    max: (length: number): TextSchema => text(schema.check(mini.maxLength(length))),
  });

/** @__NO_SIDE_EFFECTS__ */
const count = (schema: mini.ZodMiniNumberFormat) =>
  Object.assign(fluent(schema), {
    positive: (): mini.ZodMiniNumberFormat => count(schema.check(mini.positive())),
    nonnegative: (): mini.ZodMiniNumberFormat => count(schema.check(mini.nonnegative())),
  });

/** @__NO_SIDE_EFFECTS__ */
const list = (schema: mini.ZodMiniArray) =>
  Object.assign(fluent(schema), {
    min: (length: number): mini.ZodMiniArray => list(schema.check(mini.minLength(length))),
    max: (length: number): mini.ZodMiniArray => list(schema.check(mini.maxLength(length))),
  });

type Keys = Record<string, true>;

/** @__NO_SIDE_EFFECTS__ */
const object = (schema: mini.ZodMiniObject) =>
  Object.assign(fluent(schema), {
    omit: (keys: Keys): mini.ZodMiniObject => object(mini.omit(schema, keys)),
    pick: (keys: Keys): mini.ZodMiniObject => object(mini.pick(schema, keys)),
    extend: (shape: Record<string, Schema>): mini.ZodMiniObject => object(mini.extend(schema, shape)),
  });

export const z = {
  string: () => text(mini.string()),
  int: () => count(mini.int()),
  literal: (value: string) => fluent(mini.literal(value)),
  enum: (values: readonly string[]) => fluent(mini.enum(values)),
  array: (item: Schema) => list(mini.array(item)),
  strictObject: (shape: Record<string, Schema>) => object(mini.strictObject(shape)),
  union: (options: readonly Schema[]) => fluent(mini.union(options)),
  discriminatedUnion: (key: string, options: readonly mini.ZodMiniObject[]) =>
    fluent(mini.discriminatedUnion(key, options as unknown as [mini.ZodMiniObject, ...mini.ZodMiniObject[]])),
  iso: {
    date: () => fluent(mini.iso.date()),
    datetime: (options: { offset: boolean }) => text(mini.iso.datetime(options)),
  },
};
