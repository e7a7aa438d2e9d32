/** What the CRDs would refuse, told as bk-repo's 250106 with field and bound, before anything is written. */
import type { FieldError } from '../../api/field-error.ts';
import { API_VERSION } from '../../api/names.ts';
import type { Admit, SpecOf } from '../../api/validate.ts';
import type { SpecDraft } from '../../resources/editor.ts';
import type { ObjectKey } from '../../resources/store.ts';
import { type Complaint, RestError } from '../codes.ts';

/** The spec with its defaults. @throws {RestError} 250106 */
export function admitted<K extends keyof SpecOf>(admit: Admit, kind: K, key: ObjectKey, spec: SpecDraft<K>): SpecOf[K] {
  const { name, namespace } = key;
  const { object, errors } = admit(kind, { apiVersion: API_VERSION, kind, metadata: { name, namespace }, spec });
  if (object === undefined) throw refused(errors);
  return object.spec;
}

/** The same for what the server refused. */
export function refused(errors: readonly FieldError[]): RestError {
  const [first, ...more] = errors.map(complaintOf);
  return new RestError([first ?? { code: 'contentInvalid', subject: '' }, ...more]);
}

function complaintOf({ field, message }: FieldError): Complaint {
  const subject = field.replace(/^spec\./, '');
  // A url may hold a password: only what is wrong with it is told, not the url.
  const detail = /url$/i.test(subject) ? message.slice(message.lastIndexOf(': ') + 1).trim() : message;
  return { code: 'contentInvalid', subject, detail };
}
