/** What an image of a machine says of itself, as JSON wherever its cloud has room for that. */
import { z } from 'zod';

const recordSchema = z.object({
  imageId: z.string(),
  family: z.string().nullable(),
  machineId: z.string(),
  owner: z.string(),
  deployment: z.string(),
});

export type ImageRecord = z.output<typeof recordSchema>;

/** The record in a text, or undefined when it is none of ours. */
export function parseImageRecord(text: string): ImageRecord | undefined {
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
