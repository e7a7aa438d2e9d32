/** The part of a Kubernetes object that this room needs to know. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: KubeObjectMeta;
}

export interface KubeObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly managedFields?: readonly ManagedFields[];
  /** What {@link withoutManagedFields} keeps of them. */
  readonly lastEdit?: { readonly manager: string; readonly time: string };
}

/** Who owns which fields; stripped from everything that is cached. */
export interface ManagedFields {
  readonly manager?: string;
  /** RFC 3339, when its set of fields last changed. */
  readonly time?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly fieldsV1?: Readonly<Record<string, unknown>>;
}

/** Names a resource of the API; `group` is empty for the core API. */
export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
}

/** What identifies the object an Event is about. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion?: string;
}

/** `/apis/<group>/<version>[/namespaces/<ns>]/<plural>[/<name>[/<subresource>]]`, each part encoded. */
export function resourcePath(
  type: ResourceType,
  namespace: string | undefined,
  name?: string,
  subresource?: string,
): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const parts = [
    ...(namespace ? ['namespaces', namespace] : []),
    type.plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return `${root}/${parts.map(encodeURIComponent).join('/')}`;
}

/**
 * The object without `metadata.managedFields`, which often is its largest part. Who wrote last is kept, apart from
 * subresources and from `quiet` managers, whose writes are no edits.
 */
export function withoutManagedFields<T extends KubeObject>(object: T, quiet: ReadonlySet<string>): T {
  const { managedFields, ...metadata } = object.metadata;
  if (managedFields === undefined) return object;
  const lastEdit = newestEdit(managedFields, quiet);
  return { ...object, metadata: { ...metadata, ...(lastEdit === undefined ? {} : { lastEdit }) } };
}

function newestEdit(managedFields: readonly ManagedFields[], quiet: ReadonlySet<string>): KubeObjectMeta['lastEdit'] {
  let newest: KubeObjectMeta['lastEdit'];
  for (const { manager, time, subresource } of managedFields) {
    if (manager === undefined || time === undefined || subresource || quiet.has(manager)) continue;
    if (newest === undefined || time >= newest.time) newest = { manager, time };
  }
  return newest;
}
