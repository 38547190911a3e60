/** The schemas that fields of a spec make: of what callers write, and of a whole spec. */
import { z } from 'zod';

import { FieldGroup, FieldList, NeededField, type Field, type Fields } from './field.ts';

type AskedSchema<Node> =
  Node extends NeededField<infer Schema>
    ? Schema
    : Node extends Field<infer Schema, z.ZodType>
      ? z.ZodOptional<Schema>
      : Node extends FieldGroup<infer Of>
        ? z.ZodOptional<z.ZodObject<AskedShape<Of>, z.core.$strict>>
        : Node extends FieldList<infer Of>
          ? z.ZodOptional<z.ZodArray<z.ZodObject<AskedShape<Of>, z.core.$strict>>>
          : never;

type KeptSchema<Node> =
  Node extends Field<z.ZodType, infer Kept>
    ? Kept
    : Node extends FieldGroup<infer Of>
      ? z.ZodObject<KeptShape<Of>>
      : Node extends FieldList<infer Of>
        ? z.ZodArray<z.ZodObject<KeptShape<Of>>>
        : never;

export type AskedShape<Of> = { -readonly [Name in keyof Of]: AskedSchema<Of[Name]> };
export type KeptShape<Of> = { -readonly [Name in keyof Of]: KeptSchema<Of[Name]> };

/** Who writes the fields: what counts when one is left out differs. */
export type Writer = 'request' | 'template';

/** Optional where they may be left out. */
export function askedShape<Of extends Fields>(fields: Of, writer: Writer): AskedShape<Of> {
  return mapped(fields, (node) => asked(node, writer)) as AskedShape<Of>;
}

function asked(node: Fields[string], writer: Writer): z.ZodType {
  if (node instanceof FieldGroup) {
    return z
      .strictObject(askedShape(node.fields, writer))
      .describe(`${node.info.text} ${leftOut(node.info.leftOut ?? EACH_ITS_OWN, EACH_ITS_OWN, writer)}`)
      .optional();
  }
  if (node instanceof FieldList) {
    // An item is written whole, whatever the template's list holds.
    const items = z.array(z.strictObject(askedShape(node.fields, 'template')));
    return items
      .max(node.info.most)
      .describe(`${node.info.text} ${leftOut(undefined, 'Default: none.', writer)}`)
      .optional();
  }
  if (node instanceof NeededField) return (node as NeededField<z.ZodType>).schema.describe(node.info.text);
  const { text, leftOut: own, adds } = node.info;
  const inRequest = adds ? 'Added to those of the template. Default: those alone.' : own;
  return node.schema.optional().describe(`${text} ${leftOut(inRequest, `Default: ${shownDefault(node)}.`, writer)}`);
}

const EACH_ITS_OWN = 'Default: each field has its own.';

function leftOut(inRequest: string | undefined, inTemplate: string, writer: Writer): string {
  if (writer === 'template') return inTemplate;
  return inRequest ?? inTemplate.replace('Default: ', 'Default: that of the template; without a template ');
}

/** What every whole spec holds. */
export function keptShape<Of extends Fields>(fields: Of): KeptShape<Of> {
  return mapped(fields, kept) as KeptShape<Of>;
}

function kept(node: Fields[string]): z.ZodType {
  if (node instanceof FieldGroup) return z.object(keptShape(node.fields)).describe(node.info.text);
  if (node instanceof FieldList) return z.array(z.object(keptShape(node.fields))).describe(node.info.text);
  const description = `${node.info.text} ${keptText(node)}`.trim();
  if (node.byDefault === null) return node.schema.nullable().describe(description);
  // One without a text of its own is one whose absence means something.
  if (node.byDefault === undefined && node.info.kept === undefined) return node.schema.optional().describe(description);
  return node.schema.describe(description);
}

function keptText({ info: { kept: own, without }, byDefault }: Field<z.ZodType, z.ZodType>): string {
  if (own !== undefined) return own;
  if (without === undefined) return '';
  if (byDefault === null) return `Null: ${without}.`;
  if (byDefault === undefined) return `Absent: ${without}.`;
  return Array.isArray(byDefault) && byDefault.length === 0 ? `Empty: ${without}.` : '';
}

function shownDefault({ info: { without }, byDefault }: Field<z.ZodType, z.ZodType>): string {
  if (without !== undefined) return without;
  return typeof byDefault === 'string' ? `\`${byDefault}\`` : JSON.stringify(byDefault);
}

function mapped(fields: Fields, make: (node: Fields[string]) => z.ZodType): Record<string, z.ZodType> {
  return Object.fromEntries(Object.entries(fields).map(([name, node]) => [name, make(node)]));
}
