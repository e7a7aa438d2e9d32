/** What a route says of itself: the schemas that its requests are checked with, and the description of its answers. */
import { envelopeOf, FAILURE } from '../schemas/envelope.ts';
import type { JsonSchema } from '../schemas/json-schema.ts';

export interface Described {
  readonly tag: 'cluster' | 'task' | 'record';
  readonly summary: string;
  /** Of `data` on success. */
  readonly data: JsonSchema;
  readonly params?: JsonSchema;
  readonly querystring?: JsonSchema;
  readonly body?: JsonSchema;
  /** An older way to say the same. */
  readonly deprecated?: boolean;
}

export function described({ tag, summary, data, ...parts }: Described): { readonly schema: object } {
  const schema = {
    tags: [tag],
    summary,
    ...parts,
    response: { 200: envelopeOf(data), '4xx': FAILURE, 503: FAILURE },
  };
  return { schema };
}
