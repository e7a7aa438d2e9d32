/** The metadata that a person may write in a manifest, checked as the API server checks it. */
import { type FieldError, invalidValue, quoted } from './field-error.ts';
import { isObject, type JsonObject } from './schema.ts';

const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const QUALIFIED_NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
/** Bytes that all annotations of an object may have together. */
const MAX_ANNOTATIONS = 256 * 1024;

/** The fields of ObjectMeta. All but the written ones are the server's business: accepted and left out. */
const FIELDS: ReadonlySet<string> = new Set([
  'name',
  'generateName',
  'namespace',
  'selfLink',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
]);

export interface ManifestMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export type MetadataResult =
  | { readonly meta: ManifestMeta; readonly errors: readonly [] }
  | { readonly meta?: undefined; readonly errors: readonly FieldError[] };

export function checkMetadata(metadata: unknown): MetadataResult {
  if (metadata === undefined || metadata === null)
    return { errors: [{ field: 'metadata', message: 'Required value' }] };
  if (!isObject(metadata)) return { errors: [invalidValue('metadata', metadata, 'metadata must be of type object')] };
  const errors: FieldError[] = Object.keys(metadata)
    .filter((key) => !FIELDS.has(key))
    .map((key) => ({ field: `metadata.${key}`, message: `unknown field ${quoted(`metadata.${key}`)}` }));
  const name = checkName(metadata, errors);
  const namespace = checkNamespace(metadata, errors);
  const labels = checkLabels(metadata, errors);
  const annotations = checkAnnotations(metadata, errors);
  if (errors.length > 0 || name === undefined) return { errors };
  const meta: ManifestMeta = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  return { meta, errors: [] };
}

function checkName(metadata: JsonObject, errors: FieldError[]): string | undefined {
  const name = metadata['name'] ?? undefined;
  if (name === undefined || name === '')
    errors.push({ field: 'metadata.name', message: 'Required value: name is required' });
  else if (typeof name !== 'string') errors.push(invalidValue('metadata.name', name, 'must be a string'));
  else if (name.length > 253 || !DNS_SUBDOMAIN.test(name)) {
    const detail =
      'a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, - or ., start and end with an alphanumeric character, and have no more than 253 characters';
    errors.push(invalidValue('metadata.name', name, detail));
  } else return name;
  return undefined;
}

function checkNamespace(metadata: JsonObject, errors: FieldError[]): string | undefined {
  const namespace = metadata['namespace'] ?? undefined;
  if (namespace === undefined || namespace === '') return undefined;
  if (typeof namespace === 'string' && namespace.length <= 63 && DNS_LABEL.test(namespace)) return namespace;
  const detail =
    'a lowercase RFC 1123 label must consist of lower case alphanumeric characters or -, start and end with an alphanumeric character, and have no more than 63 characters';
  errors.push(invalidValue('metadata.namespace', namespace, detail));
  return undefined;
}

function checkLabels(metadata: JsonObject, errors: FieldError[]): Readonly<Record<string, string>> | undefined {
  const labels = stringMap(metadata, 'labels', errors);
  for (const [key, value] of Object.entries(labels ?? {})) {
    if (!isQualifiedName(key)) errors.push(invalidValue('metadata.labels', key, 'not a valid label key'));
    if (value.length > 63 || !LABEL_VALUE.test(value)) {
      errors.push(invalidValue('metadata.labels', value, 'not a valid label value of at most 63 characters'));
    }
  }
  return labels;
}

function checkAnnotations(metadata: JsonObject, errors: FieldError[]): Readonly<Record<string, string>> | undefined {
  const annotations = stringMap(metadata, 'annotations', errors);
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    if (!isQualifiedName(key.toLowerCase())) {
      errors.push(invalidValue('metadata.annotations', key, 'not a valid annotation key'));
    }
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > MAX_ANNOTATIONS) {
    errors.push({ field: 'metadata.annotations', message: `Too long: may not be more than ${MAX_ANNOTATIONS} bytes` });
  }
  return annotations;
}

function stringMap(
  metadata: JsonObject,
  key: string,
  errors: FieldError[],
): Readonly<Record<string, string>> | undefined {
  const value = metadata[key] ?? undefined;
  if (value === undefined) return undefined;
  const field = `metadata.${key}`;
  if (!isObject(value)) {
    errors.push(invalidValue(field, value, 'must be an object of strings'));
    return undefined;
  }
  const map = new Map<string, string>();
  for (const [name, member] of Object.entries(value)) {
    if (typeof member === 'string') map.set(name, member);
    else errors.push(invalidValue(`${field}[${name}]`, member, 'must be a string; quote it in YAML'));
  }
  return Object.fromEntries(map);
}

/** `[prefix/]name` with a DNS subdomain before the slash and at most 63 characters behind it. */
function isQualifiedName(key: string): boolean {
  const parts = key.split('/');
  const name = parts.pop() ?? '';
  const [prefix, ...more] = parts;
  if (more.length > 0 || name.length > 63 || !QUALIFIED_NAME.test(name)) return false;
  return prefix === undefined || (prefix.length <= 253 && DNS_SUBDOMAIN.test(prefix));
}
