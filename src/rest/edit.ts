/**
 * Changes of objects that are there: read live, judged, written in the version that was read.
 *
 * Guaranteed: what a tool owns is not edited; a status or annotation that was written meanwhile costs another try and
 * nothing else; a spec that somebody else changed meanwhile is not overwritten (250133); with `If-Match` nothing is
 * written to another generation than the caller has seen.
 */
import { isDeepStrictEqual } from 'node:util';
import type { FastifyReply, FastifyRequest } from 'fastify';

import type { EditOutcome, LiveObject, Owner, ResourceEditor } from '../resources/editor.ts';
import type { ObjectKey, ResourceKind, ResourceKinds } from '../resources/store.ts';
import { type CodeName, complain, type RestError } from './codes.ts';
import { refused } from './mapping/admission.ts';
import { idOf, keyOf } from './mapping/identity.ts';

/** Tries of a write that others' writes of status and annotations get in the way of. */
const MAX_TRIES = 5;

const OWNED = { Cluster: 'clusterOwned', ReplicaTask: 'taskOwned' } as const satisfies Record<ResourceKind, CodeName>;
const MISSING = { Cluster: 'clusterNotFound', ReplicaTask: 'taskNotFound' } as const satisfies Record<
  ResourceKind,
  CodeName
>;

/** Names the version of an object's spec. */
export function entityTag({ metadata }: ResourceKinds[ResourceKind]): string {
  return `"${metadata.uid}-${metadata.generation}"`;
}

export function tagged<K extends ResourceKind>(reply: FastifyReply, object: ResourceKinds[K]): void {
  reply.header('ETag', entityTag(object));
}

/**
 * `attempt` judges the object as it is and writes it; called again when somebody else wrote first. Returns the object
 * as it was written. @throws {RestError}
 */
export async function edited<K extends ResourceKind>(
  request: FastifyRequest,
  editor: ResourceEditor,
  kind: K,
  key: ObjectKey,
  attempt: (live: LiveObject<K>) => Promise<EditOutcome<K>>,
): Promise<ResourceKinds[K]> {
  let first: ResourceKinds[K] | undefined;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const live = await present(request, editor, kind, key);
    const { object } = live;
    first ??= object;
    if (first.metadata.uid !== object.metadata.uid || first.metadata.generation !== object.metadata.generation)
      throw changedMeanwhile(object);
    const outcome = await attempt(live);
    if (outcome.outcome === 'written') return outcome.object;
    if (outcome.outcome === 'invalid') throw refused(outcome.errors);
    if (outcome.outcome === 'gone') throw complain(MISSING[kind], shownId(object));
  }
  throw complain('changedMeanwhile', key.name);
}

/** Sets annotations that tell controllers something; whatever else changes meanwhile is nobody's loss. */
export async function annotated<K extends ResourceKind>(
  request: FastifyRequest,
  editor: ResourceEditor,
  kind: K,
  key: ObjectKey,
  annotations: Readonly<Record<string, string>>,
): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const live = await editor.read(kind, key, request.ended);
    if (live === undefined) return;
    const { outcome } = await editor.annotate(kind, live.object, annotations, request.ended);
    if (outcome === 'written' || outcome === 'gone') return;
  }
}

/** Removes an object; what is gone already counts as removed. @throws {RestError} */
export async function removed<K extends ResourceKind>(
  request: FastifyRequest,
  editor: ResourceEditor,
  kind: K,
  key: ObjectKey,
): Promise<ResourceKinds[K] | undefined> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const live = await editor.read(kind, key, request.ended);
    if (live === undefined || live.object.metadata.deletionTimestamp !== undefined) return undefined;
    refuseOtherVersion(request, live.object);
    if (live.owner !== undefined) throw owned(live.object, live.owner, 'it');
    if ((await editor.remove(kind, live.object, request.ended)) !== 'conflict') return live.object;
  }
  throw complain('changedMeanwhile', key.name);
}

/** Removes an object that was just made, also when controllers have written to it since. @throws {RestError} */
export async function takenBack<K extends ResourceKind>(
  editor: ResourceEditor,
  kind: K,
  made: ResourceKinds[K],
  signal: AbortSignal,
): Promise<void> {
  let object = made;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    if ((await editor.remove(kind, object, signal)) !== 'conflict') return;
    const live = await editor.read(kind, made.metadata, signal);
    if (live?.object.metadata.uid !== made.metadata.uid) return;
    object = live.object;
  }
  throw changedMeanwhile(made);
}

async function present<K extends ResourceKind>(
  request: FastifyRequest,
  editor: ResourceEditor,
  kind: K,
  key: ObjectKey,
): Promise<LiveObject<K>> {
  const live = await editor.read(kind, key, request.ended);
  if (live === undefined || live.object.metadata.deletionTimestamp !== undefined)
    throw complain(MISSING[kind], key.name);
  refuseOtherVersion(request, live.object);
  return live;
}

/** `If-Match`: the versions that the caller has seen; `*` is any. */
function refuseOtherVersion(request: FastifyRequest, object: ResourceKinds[ResourceKind]): void {
  const wanted = request.headers['if-match'];
  if (wanted === undefined || wanted.trim() === '*') return;
  const tags = wanted.split(',').map((tag) => tag.trim());
  if (!tags.includes(entityTag(object))) throw changedMeanwhile(object);
}

function changedMeanwhile(object: ResourceKinds[ResourceKind]): RestError {
  return complain('changedMeanwhile', shownId(object));
}

/** Refuses to change fields that a tool looks after: its next sync would undo it. @throws {RestError} 409 */
export function refuseOwned<K extends ResourceKind>(live: LiveObject<K>, spec: ResourceKinds[K]['spec']): void {
  for (const path of changedPaths(['spec'], live.object.spec, spec)) {
    const owner = live.ownerOf(path);
    if (owner !== undefined) throw owned(live.object, owner, path.join('.'));
  }
}

export function owned(object: ResourceKinds[ResourceKind], owner: Owner, what: string): RestError {
  const { tool, application, where } = owner;
  const who = application === '' ? tool : `${tool} (${application})`;
  return complain(OWNED[object.kind], shownId(object), `${who} looks after ${what}: edit it in ${where}`);
}

function shownId(object: ResourceKinds[ResourceKind]): string {
  return object.kind === 'Cluster' ? idOf(object) : keyOf(object);
}

/** The fields that differ; a list is one field. */
export function changedPaths(path: readonly string[], before: unknown, after: unknown): readonly (readonly string[])[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isPlain(before) || !isPlain(after)) return [path];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => changedPaths([...path, name], before[name], after[name]));
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
