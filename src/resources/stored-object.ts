/**
 * What the API server does to an object's metadata, for the mode without one: pure decisions over one stored object. As
 * there, generation moves with spec and at deletion, resourceVersion with everything, and a re-created object has another
 * uid.
 */
import { isDeepStrictEqual } from 'node:util';

import type { ObjectMeta } from '../api/object.ts';
import type { Manifest } from '../api/validate.ts';
import type { ResourceKind, ResourceKinds } from './store.ts';

export type AnyResource = ResourceKinds[ResourceKind];

/** One object as the state directory keeps it. */
export interface StoredObject {
  readonly object: AnyResource;
  /** Where its manifest stands, relative to the input directory; empty when it has none. */
  readonly source: string;
  /** Made by REST: no manifest names it. */
  readonly origin?: 'rest';
  /** Annotations as the manifest has them; the object's own also hold what was written through the store. */
  readonly manifestAnnotations: Readonly<Record<string, string>>;
}

export interface Edit {
  /** Who writes: as a field manager at the API server. */
  readonly manager: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface Created extends Edit {
  readonly uid: string;
}

export function createObject(
  manifest: Manifest<ResourceKind>,
  namespace: string,
  source: string,
  created: Created,
): StoredObject {
  const metadata: ObjectMeta = {
    name: manifest.metadata.name,
    namespace,
    uid: created.uid,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: rfc3339(created.now),
    lastEdit: lastEdit(created),
    ...labelsOf(manifest),
    ...annotationsOf(manifest.metadata.annotations ?? {}),
  };
  const object = { ...manifest, metadata, status: { observedGeneration: -1 } } as AnyResource;
  return { object, source, manifestAnnotations: manifest.metadata.annotations ?? {} };
}

/** The object with what its manifest says now; the same reference when nothing changed. */
export function updateObject(
  stored: StoredObject,
  manifest: Manifest<ResourceKind>,
  source: string,
  edit: Edit,
): StoredObject {
  const { object, manifestAnnotations: before } = stored;
  const after = manifest.metadata.annotations ?? {};
  const specChanged = !isDeepStrictEqual(object.spec, manifest.spec);
  const { labels: _labels, annotations: _annotations, ...rest } = object.metadata;
  const metadata: ObjectMeta = {
    ...rest,
    generation: object.metadata.generation + (specChanged ? 1 : 0),
    ...(specChanged ? { lastEdit: lastEdit(edit) } : {}),
    ...labelsOf(manifest),
    ...annotationsOf(mergedAnnotations(object.metadata.annotations ?? {}, before, after)),
  };
  const changed = specChanged || !isDeepStrictEqual(metadata, object.metadata);
  if (!changed && source === stored.source && isDeepStrictEqual(before, after)) return stored;
  const next = changed ? raised({ ...object, metadata, spec: manifest.spec } as AnyResource) : object;
  return { object: next, source, manifestAnnotations: after };
}

/** The object with another spec, and annotations set or removed (null); the same reference when nothing changed. */
export function withSpec(
  stored: StoredObject,
  spec: AnyResource['spec'],
  annotations: Readonly<Record<string, string | null>>,
  edit: Edit,
): StoredObject {
  const annotated = withAnnotations(stored, annotations);
  const changed = !isDeepStrictEqual(stored.object.spec, spec);
  if (!changed && annotated === stored) return stored;
  const metadata: ObjectMeta = {
    ...annotated.object.metadata,
    resourceVersion: stored.object.metadata.resourceVersion,
    generation: stored.object.metadata.generation + (changed ? 1 : 0),
    lastEdit: lastEdit(edit),
  };
  return { ...stored, object: raised({ ...stored.object, metadata, spec } as AnyResource) };
}

/** The object as one that waits for its finalizers. */
export function markDeleted(stored: StoredObject, now: number): StoredObject {
  const { object } = stored;
  const metadata: ObjectMeta = {
    ...object.metadata,
    generation: object.metadata.generation + 1,
    deletionTimestamp: rfc3339(now),
  };
  return { ...stored, object: raised({ ...object, metadata }) };
}

/** The same reference when it has that status already. */
export function withStatus(stored: StoredObject, status: AnyResource['status']): StoredObject {
  if (isDeepStrictEqual(stored.object.status, status)) return stored;
  return { ...stored, object: raised({ ...stored.object, status } as AnyResource) };
}

export function withFinalizers(stored: StoredObject, finalizers: readonly string[]): StoredObject {
  const { finalizers: _before, ...rest } = stored.object.metadata;
  const metadata: ObjectMeta = { ...rest, ...(finalizers.length === 0 ? {} : { finalizers }) };
  return { ...stored, object: raised({ ...stored.object, metadata }) };
}

/** Sets or removes (null) annotations; the same reference when they are so already. */
export function withAnnotations(stored: StoredObject, changes: Readonly<Record<string, string | null>>): StoredObject {
  const present = stored.object.metadata.annotations ?? {};
  const merged: Record<string, string> = { ...present };
  for (const [key, value] of Object.entries(changes))
    if (value === null) delete merged[key];
    else merged[key] = value;
  if (isDeepStrictEqual(merged, present)) return stored;
  const { annotations: _before, ...rest } = stored.object.metadata;
  return { ...stored, object: raised({ ...stored.object, metadata: { ...rest, ...annotationsOf(merged) } }) };
}

/** Three ways: what the manifest changed wins, what was written through the store stays. */
function mergedAnnotations(
  present: Readonly<Record<string, string>>,
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): Record<string, string> {
  const merged: Record<string, string> = { ...present };
  for (const key of Object.keys(before)) if (!(key in after)) delete merged[key];
  for (const [key, value] of Object.entries(after)) if (before[key] !== value) merged[key] = value;
  return merged;
}

function raised<T extends AnyResource>(object: T): T {
  const resourceVersion = String(Number(object.metadata.resourceVersion) + 1);
  return { ...object, metadata: { ...object.metadata, resourceVersion } };
}

function labelsOf(manifest: Manifest<ResourceKind>): Pick<ObjectMeta, 'labels'> {
  const { labels } = manifest.metadata;
  return labels === undefined || Object.keys(labels).length === 0 ? {} : { labels };
}

function annotationsOf(annotations: Readonly<Record<string, string>>): Pick<ObjectMeta, 'annotations'> {
  return Object.keys(annotations).length === 0 ? {} : { annotations };
}

function lastEdit({ manager, now }: Edit): NonNullable<ObjectMeta['lastEdit']> {
  return { manager, time: rfc3339(now) };
}

/** Whole seconds, as the API server writes them. */
function rfc3339(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
