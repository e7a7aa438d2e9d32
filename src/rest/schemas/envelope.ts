/** Schemas of what is around answers (contract §1.3). */
import { answer, integer, type JsonSchema, list, optional, text } from './json-schema.ts';

export const NOTHING: JsonSchema = { type: 'null', description: 'Nothing.' };

/** An envelope of success. */
export function envelopeOf(data: JsonSchema): JsonSchema {
  return answer('Success.', {
    code: integer('0.', { enum: [0] }),
    message: { type: 'null', description: 'Nothing.' },
    data,
    traceId,
  });
}

const traceId = text('Id of the request, also in the log.', { examples: ['d1324a8060801a5a497873f27f8c9272'] });

/** An envelope of anything else. */
export const FAILURE = answer('Failure.', {
  code: integer('Code of the first complaint.', { examples: [250_106] }),
  message: text('All complaints, in the language of the caller.', { examples: ['Parameter [name] is invalid'] }),
  data: NOTHING,
  traceId,
});

/** The data, or null. */
export function nullOr(schema: JsonSchema): JsonSchema {
  return optional(schema);
}

export function listOf(schema: JsonSchema): JsonSchema {
  return list('All of them, newest first.', schema);
}

export function pageSchema(records: JsonSchema): JsonSchema {
  return answer('A page.', {
    pageNumber: integer('Page, from 1.', { examples: [1] }),
    pageSize: integer('Entries of a page.', { examples: [20] }),
    totalRecords: integer('Entries of all pages.', { examples: [1] }),
    totalPages: integer('Pages.', { examples: [1] }),
    records: list('Entries.', records),
    count: integer('The same as totalRecords.', { examples: [1], deprecated: true }),
    page: integer('The same as pageNumber.', { examples: [1], deprecated: true }),
  });
}
