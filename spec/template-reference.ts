/** How a create names its template: by its name, or with one of its versions, as in `chat@3`. */
import { z } from 'zod';

const REFERENCE = /^([a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)(?:@([1-9]\d{0,8}))?$/;

export const templateReferenceSchema = z
  .string()
  .regex(REFERENCE, 'the name of a template, or with a version, as in chat@3');

export interface TemplateReference {
  name: string;
  /** Absent: the one that serves. */
  version?: number;
}

/** What a text that the schema let pass names. */
export function templateReferenceOf(text: string): TemplateReference {
  const [, name = text, version] = REFERENCE.exec(text) ?? [];
  return version === undefined ? { name } : { name, version: Number(version) };
}
