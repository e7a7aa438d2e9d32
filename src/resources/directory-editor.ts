/**
 * The editor of the standalone mode. What it makes lives in the state directory alone, and is judged as manifests are;
 * what comes from a file belongs to that file: it can be annotated, and neither changed nor removed here.
 */
import { randomUUID } from 'node:crypto';

import type { FieldError } from '../api/field-error.ts';
import { API_VERSION, INSTANCE_LABEL } from '../api/names.ts';
import type { Manifest, SpecOf } from '../api/validate.ts';
import { ReplicationError } from '../domain/errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { DirectoryWrites } from './directory-writes.ts';
import {
  type Credentials,
  credentialsSecretName,
  type Draft,
  EDIT_MANAGER,
  type EditOutcome,
  type LiveObject,
  type Owner,
  type ResourceEditor,
  type SpecChange,
} from './editor.ts';
import type { ManifestScope } from './manifest-set.ts';
import { plainJson } from './merge-diff.ts';
import type { ObjectTable } from './object-table.ts';
import type { OwnSecrets } from './own-secrets.ts';
import { objectId } from './state-files.ts';
import type { ObjectKey, ResourceKind, ResourceKinds } from './store.ts';
import { createObject, markDeleted, type StoredObject, withAnnotations, withSpec } from './stored-object.ts';

export interface DirectoryEditorOptions extends ManifestScope {
  readonly table: ObjectTable;
  readonly secrets: OwnSecrets;
  readonly writes: DirectoryWrites;
  /** The file that holds a Secret of that name. */
  readonly manifestSecret: (key: ObjectKey) => string | undefined;
  readonly clock: Clock;
  readonly newUid?: () => string;
}

export class DirectoryEditor implements ResourceEditor {
  readonly #options: DirectoryEditorOptions;

  constructor(options: DirectoryEditorOptions) {
    this.#options = options;
  }

  async read<K extends ResourceKind>(kind: K, key: ObjectKey): Promise<LiveObject<K> | undefined> {
    const stored = this.#options.table.stored.get(objectId(kind, key.namespace, key.name));
    if (stored === undefined) return undefined;
    const owner = ownerOf(stored);
    return { object: stored.object as ResourceKinds[K], owner, ownerOf: () => owner };
  }

  create<K extends ResourceKind>(kind: K, draft: Draft<K>, signal: AbortSignal): Promise<EditOutcome<K>> {
    const { table, writes, clock, newUid = randomUUID } = this.#options;
    const { namespace, name } = draft;
    return writes.exclusively(async () => {
      const id = objectId(kind, namespace, name);
      const there = table.stored.get(id);
      if (there !== undefined) return { outcome: 'exists', object: there.object as ResourceKinds[K] };
      const misplaced = this.#misplaced(draft);
      const { object: manifest, errors } = this.#admit(kind, draft, undefined);
      if (manifest === undefined || misplaced.length > 0)
        return { outcome: 'invalid', errors: [...misplaced, ...errors] };
      const created = createObject(manifest, namespace, '', { manager: EDIT_MANAGER, now: clock.now(), uid: newUid() });
      return await this.#put(id, { ...created, origin: 'rest', manifestAnnotations: {} });
    }, signal);
  }

  replaceSpec<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    { spec, annotations = {} }: SpecChange<K>,
    signal: AbortSignal,
  ): Promise<EditOutcome<K>> {
    return this.#change<K>(read, signal, async (id, stored) => {
      refuseFile(stored);
      const { namespace, name, labels } = stored.object.metadata;
      const draft = { namespace, name, spec, ...(labels === undefined ? {} : { labels }) } as Draft<K>;
      const { object: manifest, errors } = this.#admit(kind, draft, read.spec as SpecOf[K]);
      if (manifest === undefined) return { outcome: 'invalid', errors };
      const edit = { manager: EDIT_MANAGER, now: this.#options.clock.now() };
      return await this.#put(id, withSpec(stored, manifest.spec, annotations, edit));
    });
  }

  annotate<K extends ResourceKind>(
    _kind: K,
    read: ResourceKinds[K],
    annotations: Readonly<Record<string, string | null>>,
    signal: AbortSignal,
  ): Promise<EditOutcome<K>> {
    return this.#change<K>(read, signal, (id, stored) => this.#put(id, withAnnotations(stored, annotations)));
  }

  async remove<K extends ResourceKind>(
    _kind: K,
    read: ResourceKinds[K],
    signal: AbortSignal,
  ): Promise<'removed' | 'gone' | 'conflict'> {
    const { table, writes, clock } = this.#options;
    return await writes.inVersion(
      read,
      async (id, stored) => {
        refuseFile(stored);
        const { finalizers = [], deletionTimestamp } = stored.object.metadata;
        if (finalizers.length === 0) await writes.remove(id, stored);
        else if (deletionTimestamp === undefined) await table.put(id, markDeleted(stored, clock.now()));
        return 'removed' as const;
      },
      signal,
    );
  }

  async writeCredentials(
    cluster: ResourceKinds['Cluster'],
    { username, password }: Credentials,
    signal: AbortSignal,
  ): Promise<void> {
    const { namespace, name, uid } = cluster.metadata;
    const key = { namespace, name: credentialsSecretName(name) };
    const { table, secrets, writes, manifestSecret } = this.#options;
    await writes.exclusively(async () => {
      const stored = table.stored.get(objectId(cluster.kind, namespace, name));
      if (stored?.object.metadata.uid !== uid) throw vanished(cluster);
      const file = manifestSecret(key);
      if (file !== undefined) throw secretForeign(key, `comes from the file ${file}`);
      const owner = secrets.ownerOf(key);
      if (owner !== undefined && owner !== uid) throw secretForeign(key, 'belongs to another Cluster');
      await secrets.put(key, uid, { username, password });
    }, signal);
  }

  /** The object in the version that was read; else what became of it. */
  async #change<K extends ResourceKind>(
    read: ResourceKinds[K],
    signal: AbortSignal,
    work: (id: string, stored: StoredObject) => Promise<EditOutcome<K>>,
  ): Promise<EditOutcome<K>> {
    const outcome = await this.#options.writes.inVersion(read, work, signal);
    return typeof outcome === 'string' ? { outcome } : outcome;
  }

  /** The table has it, and has told of it, when this returns. */
  async #put<K extends ResourceKind>(id: string, stored: StoredObject): Promise<EditOutcome<K>> {
    await this.#options.table.put(id, stored);
    return { outcome: 'written', object: stored.object as ResourceKinds[K] };
  }

  #admit<K extends ResourceKind>(
    kind: K,
    { namespace, name, labels, annotations, spec }: Draft<K>,
    old: SpecOf[K] | undefined,
  ): { readonly object?: Manifest<K> | undefined; readonly errors: readonly FieldError[] } {
    const metadata = plainJson({ namespace, name, labels, annotations });
    const document = { apiVersion: API_VERSION, kind, metadata, spec: plainJson(spec) };
    return this.#options.admit(kind, document, old === undefined ? undefined : { spec: old });
  }

  /** What this installation does not serve would never be seen again. */
  #misplaced({ namespace, labels }: Pick<Draft<ResourceKind>, 'namespace' | 'labels'>): readonly FieldError[] {
    const { namespaces, instance } = this.#options;
    const served = namespaces.length === 0 || namespaces.includes(namespace);
    return [
      ...(served ? [] : [{ field: 'metadata.namespace', message: `${namespace} is not served` }]),
      ...(labels?.[INSTANCE_LABEL] === instance
        ? []
        : [{ field: `metadata.labels[${INSTANCE_LABEL}]`, message: 'is of another installation' }]),
    ];
  }
}

function ownerOf({ origin, source }: StoredObject): Owner | undefined {
  return origin === 'rest' ? undefined : { tool: 'directory', application: source, where: `the file ${source}` };
}

function refuseFile(stored: StoredObject): void {
  if (stored.origin === 'rest') return;
  const { kind, metadata } = stored.object;
  const message = `${kind} ${metadata.namespace}/${metadata.name} comes from the file ${stored.source}: edit it there`;
  throw new ReplicationError('spec', 'ApiRefused', message);
}

function secretForeign({ namespace, name }: ObjectKey, whose: string): ReplicationError {
  const message = `Secret ${namespace}/${name} ${whose} and is left alone: change the password there`;
  return new ReplicationError('spec', 'SecretForeign', message);
}

/** Its Secret would never go. */
function vanished({ kind, metadata }: ResourceKinds['Cluster']): ReplicationError {
  const message = `${kind} ${metadata.namespace}/${metadata.name} was deleted meanwhile`;
  return new ReplicationError('spec', 'ApiRefused', message);
}
