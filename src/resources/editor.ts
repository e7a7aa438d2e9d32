/**
 * The write side of resources, for callers that stand for people (the REST shim). Two adapters, as of the store.
 *
 * Guaranteed: an object is changed or removed only in the version that the caller read (uid and resourceVersion), so
 * nothing that somebody else wrote meanwhile is lost; what a tool owns (GitOps, a directory of files) is told, and
 * refusing is the caller's decision; a method answers when the store's cache shows its write, or after two seconds.
 * Every method fails with a classified `ReplicationError`: `ApiUnavailable` (retryable), `ApiForbidden`,
 * `ApiRefused`, `SecretForeign` (spec).
 */
import { createHash } from 'node:crypto';

import type { FieldError } from '../api/field-error.ts';
import type { ObjectKey, ResourceKind, ResourceKinds } from './store.ts';

/** Field managers: of what controllers write, and of what callers write (objects and specs; requests by annotation). */
export const CONTROLLER_MANAGER = 'bkrepo-replicator-controller';
export const EDIT_MANAGER = 'bkrepo-replicator-rest';
export const REQUEST_MANAGER = 'bkrepo-replicator-rest-requests';

/** Who edits by changing a file of the standalone mode. */
export const DIRECTORY_MANAGER = 'directory';

/** What they write is no edit of a person (`metadata.lastEdit`). */
export const QUIET_MANAGERS: ReadonlySet<string> = new Set([CONTROLLER_MANAGER, REQUEST_MANAGER]);

/** Who looks after a field or an object, so that an edit by others would be undone. */
export interface Owner {
  readonly tool: 'ArgoCD' | 'Flux' | 'Helm' | 'directory';
  /** Application, Kustomization, release, or file; empty when it is not known. */
  readonly application: string;
  /** Where the edit belongs, as part of a sentence: `the Git repository of ArgoCD application shop`. */
  readonly where: string;
}

/** An object as it is now, asked of the server, never of a cache. */
export interface LiveObject<K extends ResourceKind> {
  readonly object: ResourceKinds[K];
  /** Owner of the whole object: it may not be deleted, nor any field of its spec be edited. */
  readonly owner: Owner | undefined;
  /** Owner of a field, or of a part of it; e.g. `['spec', 'setting', 'rateLimit']`. The object's owner owns all. */
  ownerOf(path: readonly string[]): Owner | undefined;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface Draft<K extends ResourceKind> extends ObjectKey {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Without defaults: the server fills them in. */
  readonly spec: SpecDraft<K>;
}

/** A spec as it is written: what is left out, at any depth, gets its default, if it has one. */
export type SpecDraft<K extends ResourceKind> = Undefaulted<ResourceKinds[K]['spec']>;

type Undefaulted<T> = T extends readonly (infer Item)[]
  ? readonly Undefaulted<Item>[]
  : T extends object
    ? { readonly [Field in keyof T]?: Undefaulted<T[Field]> }
    : T;

export type EditOutcome<K extends ResourceKind> =
  | { readonly outcome: 'written'; readonly object: ResourceKinds[K] }
  /** `create` only; `object` is what has the name, undefined when it vanished again. */
  | { readonly outcome: 'exists'; readonly object: ResourceKinds[K] | undefined }
  /** Somebody else wrote first: read again. */
  | { readonly outcome: 'conflict' }
  /** Deleted or re-created. */
  | { readonly outcome: 'gone' }
  /** Refused by the schema. */
  | { readonly outcome: 'invalid'; readonly errors: readonly FieldError[] };

export interface SpecChange<K extends ResourceKind> {
  /** The whole new spec: what it lacks is removed, and then gets its default. */
  readonly spec: SpecDraft<K>;
  /** Set, or removed (null). */
  readonly annotations?: Readonly<Record<string, string | null>>;
}

export interface ResourceEditor {
  /** undefined = there is none. Also objects that wait for their finalizers. */
  read<K extends ResourceKind>(kind: K, key: ObjectKey, signal: AbortSignal): Promise<LiveObject<K> | undefined>;
  create<K extends ResourceKind>(kind: K, draft: Draft<K>, signal: AbortSignal): Promise<EditOutcome<K>>;
  replaceSpec<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    change: SpecChange<K>,
    signal: AbortSignal,
  ): Promise<EditOutcome<K>>;
  /** Sets or removes (null) annotations, which no tool owns: requests to run, cancel, retry; suspension. */
  annotate<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    annotations: Readonly<Record<string, string | null>>,
    signal: AbortSignal,
  ): Promise<EditOutcome<K>>;
  /** `gone` also counts as removed. */
  remove<K extends ResourceKind>(
    kind: K,
    read: ResourceKinds[K],
    signal: AbortSignal,
  ): Promise<'removed' | 'gone' | 'conflict'>;
  /**
   * Writes `username` and `password` into the Secret that belongs to this Cluster (`credentialsSecretName`), owned by
   * it, so that both go together. Fails with spec error `SecretForeign` when a Secret of that name is not the Cluster's.
   */
  writeCredentials(cluster: ResourceKinds['Cluster'], credentials: Credentials, signal: AbortSignal): Promise<void>;
}

/** Name of the Secret that holds what REST callers gave as password of a Cluster; at most 253 characters. */
export function credentialsSecretName(clusterName: string): string {
  return `${shortened(clusterName, 241)}-credentials`;
}

/** The text itself, or its beginning and a hash that keeps it apart from others of the same beginning. */
export function shortened(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${text.slice(0, max - 13)}-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`;
}
