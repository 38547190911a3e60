/**
 * A field of a spec, said once: what callers may write, what a whole spec holds, its default, its text, and what a
 * provider has to be able to do for it. Schemas, documentation, defaults, templates and refusals derive from it.
 */
import type { z } from 'zod';
import type { ProviderCapabilities } from '../domain/machine/provider-capabilities.ts';

/** What a provider can do or not. */
export type Capability = {
  [Name in keyof ProviderCapabilities]: ProviderCapabilities[Name] extends boolean ? Name : never;
}[keyof ProviderCapabilities];

export interface FieldInfo {
  /** What it is, in one sentence. */
  text: string;
  /** What counts when nobody names it, for people; else its default as it is. */
  without?: string;
  /** All that is said about leaving it out of a request, where the usual sentence does not fit. */
  leftOut?: string;
  /** What a whole spec says about it besides its text. */
  kept?: string;
  /** Only a provider with this capability takes it, once it asks for anything. */
  capability?: Capability;
  /** Only a provider with this capability takes this value, which refusals call by the name. */
  valueCapability?: Readonly<Record<string, { capability: Capability; name?: string }>>;
  /** Only a provider with this capability takes a list, which refusals call by the name. */
  listCapability?: { capability: Capability; name: string };
  /** Entries of a request are added to those of its template. */
  adds?: true;
  /** An empty list is a wish of its own, unlike none. */
  emptyCounts?: true;
  /** A duration that the longest life of the VM bounds. */
  withinLifetime?: true;
}

/** One value. `Kept` is its schema in a whole spec. */
export class Field<Schema extends z.ZodType, Kept extends z.ZodType> {
  readonly schema: Schema;
  readonly info: FieldInfo;
  readonly byDefault: unknown;
  /** Its type in a whole spec; no value. */
  declare readonly kept: Kept;

  constructor(schema: Schema, info: FieldInfo, byDefault: unknown) {
    this.schema = schema;
    this.info = info;
    this.byDefault = byDefault;
  }
}

/** One value that callers always write where they write the things around it. */
export class NeededField<Schema extends z.ZodType> extends Field<Schema, Schema> {
  readonly needed = true;
}

/** Fields that belong together; each has its own default. */
export class FieldGroup<Of extends Fields> {
  readonly kind = 'group';
  readonly fields: Of;
  readonly info: Pick<FieldInfo, 'text' | 'leftOut'>;

  constructor(fields: Of, info: Pick<FieldInfo, 'text' | 'leftOut'>) {
    this.fields = fields;
    this.info = info;
  }
}

/** A list of things with fields; empty by default. A request's list takes the place of its template's. */
export class FieldList<Of extends Fields> {
  readonly kind = 'list';
  readonly fields: Of;
  readonly info: Pick<FieldInfo, 'text' | 'kept'> & { most: number };

  constructor(fields: Of, info: FieldList<Of>['info']) {
    this.fields = fields;
    this.info = info;
  }
}

export interface Fields {
  readonly [name: string]: Field<z.ZodType, z.ZodType> | FieldGroup<Fields> | FieldList<Fields>;
}

/** A field with a default; null: a whole spec holds null where nobody names it. */
export function field<Schema extends z.ZodType>(
  schema: Schema,
  info: FieldInfo & { default: null },
): Field<Schema, z.ZodNullable<Schema>>;
export function field<Schema extends z.ZodType>(
  schema: Schema,
  info: FieldInfo & { default: z.output<Schema> },
): Field<Schema, Schema>;
export function field<Schema extends z.ZodType>(
  schema: Schema,
  { default: byDefault, ...info }: FieldInfo & { default: unknown },
): Field<Schema, z.ZodType> {
  return new Field(schema, info, byDefault);
}

/** A field that a whole spec lacks where nobody asks for anything: what came into specs later is one. */
export function absentField<Schema extends z.ZodType>(schema: Schema, info: FieldInfo) {
  return new Field<Schema, z.ZodOptional<Schema>>(schema, info, undefined);
}

/** A field whose default depends on the deployment, or that has none: a whole spec always has it. */
export function givenField<Schema extends z.ZodType>(schema: Schema, info: FieldInfo & { without: string }) {
  return new Field<Schema, Schema>(schema, { ...info, kept: '' }, undefined);
}

export function neededField<Schema extends z.ZodType>(schema: Schema, text: string): NeededField<Schema> {
  return new NeededField<Schema>(schema, { text, kept: '' }, undefined);
}

/** The same fields with more to read about some of them: what only those who know the providers can say. */
export function withNotes<Of extends Fields>(
  fields: Of,
  notes: { readonly [Name in keyof Of]?: { note: string; values?: readonly string[] } },
): Of {
  const noted = Object.entries(fields).map(([name, node]) => {
    const said = notes[name];
    if (said === undefined || !(node instanceof Field)) return [name, node];
    const schema = said.values === undefined ? node.schema : node.schema.meta({ enum: said.values });
    return [name, new Field(schema, { ...node.info, text: `${node.info.text}${said.note}` }, node.byDefault)];
  });
  return Object.fromEntries(noted) as Of;
}
