import { z } from 'zod';

import type { MetadataEntry, MetadataValue } from '../../engine/ports.ts';

const valueSchema: z.ZodType<MetadataValue> = z.lazy(() =>
  z.union([
    z.string(),
    z.number(),
    z.boolean(),
    z.null(),
    z.array(valueSchema),
    // No version of bk-repo stores objects; should one, its text must not pass for equal to anything of ours.
    z.record(z.string(), z.unknown()).transform((value) => JSON.stringify(value)),
  ]),
);

const entrySchema = z.object({
  key: z.string(),
  value: valueSchema,
  system: z.boolean().nullish(),
  description: z.string().nullish(),
  link: z.string().nullish(),
  color: z.string().nullish(),
});

/** The two forms in which a node's answer carries metadata: the list of newer servers, and the old map. */
export const metadataFields = {
  metadata: z.record(z.string(), valueSchema).nullish(),
  nodeMetadata: z.array(entrySchema).nullish(),
};
const fieldsSchema = z.object(metadataFields);

/** The list where there is one; entries of the map are taken for not system. */
export function readMetadata(fields: z.infer<typeof fieldsSchema>): readonly MetadataEntry[] {
  if (fields.nodeMetadata)
    return fields.nodeMetadata.map(({ key, value, system, description, link, color }) => ({
      key,
      value,
      system: system ?? false,
      ...(description ? { description } : {}),
      ...(link ? { link } : {}),
      ...(color ? { color } : {}),
    }));
  return Object.entries(fields.metadata ?? {}).map(([key, value]) => ({ key, value, system: false }));
}

/** Both forms of a request: servers that know the list take it and leave the map unread (contract §2.6). */
export function writeMetadata(entries: readonly MetadataEntry[]): Readonly<Record<string, unknown>> {
  return {
    metadata: Object.fromEntries(entries.map(({ key, value }) => [key, value])),
    nodeMetadata: entries.map(({ key, value, system, description, link, color }) => ({
      key,
      value,
      system,
      description: description ?? null,
      link: link ?? null,
      color: color ?? null,
    })),
  };
}
