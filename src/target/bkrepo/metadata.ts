import { z } from 'zod';

import type { MetadataEntry, MetadataValue } from '../../engine/ports/source.ts';

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

/** The two forms in which answers carry metadata: the old map, and the list of newer servers. */
export const metadataMapSchema = z.record(z.string(), valueSchema).nullish();
export const metadataEntriesSchema = z.array(entrySchema).nullish();

/** As a node's answer names them. */
export const metadataFields = { metadata: metadataMapSchema, nodeMetadata: metadataEntriesSchema };
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

/**
 * Both forms of a request: servers that know the list take it and leave the map unread (contract §2.6). The list's name
 * is `nodeMetadata` for nodes and `packageMetadata` for versions.
 */
export function writeMetadata(
  entries: readonly MetadataEntry[],
  listName: 'nodeMetadata' | 'packageMetadata' = 'nodeMetadata',
): Readonly<Record<string, unknown>> {
  return {
    metadata: Object.fromEntries(entries.map(({ key, value }) => [key, value])),
    [listName]: entries.map(({ key, value, system, description, link, color }) => ({
      key,
      value,
      system,
      description: description ?? null,
      link: link ?? null,
      color: color ?? null,
    })),
  };
}
