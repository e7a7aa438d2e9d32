/** How bodies are read: JSON, and forms where a route says so; anything else is an unsupported media type. */
import type { FastifyInstance, FastifyRequest } from 'fastify';

import { complain } from '../codes.ts';

/** `application/json` with any parameters, and types that are JSON by their suffix (RFC 6839). */
const JSON_TYPE = /^application\/(?:[\w.-]{1,64}\+)?json(?:\s*;|$)/i;
const FORM_TYPE = /^application\/x-www-form-urlencoded(?:\s*;|$)/i;
const MAX_FORM_FIELDS = 256;

type Done = (error: Error | null, body?: unknown) => void;

/**
 * GET has a body, too, as the API document shows for `tryConnect`. No body, or an empty one, is `undefined`. Keys that
 * could reach an object's prototype are dropped; of a key given twice the last value counts, as with bk-repo.
 */
export function readBodies(app: FastifyInstance): void {
  app.addHttpMethod('GET', { hasBody: true, overrideExisting: true });
  // Every GET route answers HEAD with the same schemas.
  app.addHttpMethod('HEAD', { hasBody: true, overrideExisting: true });
  app.removeAllContentTypeParsers();
  const parseJson = app.getDefaultJsonParser('remove', 'remove');
  app.addContentTypeParser<string>(JSON_TYPE, { parseAs: 'string' }, (request, body, done: Done) => {
    if (body.trim() === '') {
      done(null, undefined);
      return;
    }
    void parseJson(request, body, (error: Error | null, value?: unknown) => {
      if (error === null) done(null, value);
      else done(complain('contentInvalid', '', 'the body is not JSON'));
    });
  });
  app.addContentTypeParser<string>(FORM_TYPE, { parseAs: 'string' }, (request, body, done: Done) => {
    if (request.routeOptions.config.form === true) done(null, formOf(body));
    else if (body === '') done(null, undefined);
    else done(complain('mediaTypeUnsupported'));
  });
  app.addContentTypeParser('*', (request, payload, done: Done) => {
    payload.resume();
    if (hasNoBody(request)) done(null, undefined);
    else done(complain('mediaTypeUnsupported'));
  });
}

/** A type alone is no body: many clients send one with everything. */
function hasNoBody({ headers }: FastifyRequest): boolean {
  const { 'content-length': length, 'transfer-encoding': transfer } = headers;
  return transfer === undefined && (length === undefined || length === '0');
}

/** The first value of each field. */
function formOf(body: string): Readonly<Record<string, string>> {
  const fields: Record<string, string> = Object.create(null);
  let count = 0;
  for (const [name, value] of new URLSearchParams(body)) {
    count += 1;
    if (count > MAX_FORM_FIELDS) break;
    fields[name] ??= value;
  }
  return fields;
}
