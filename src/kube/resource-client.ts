import { KubeError } from './errors.ts';
import { type KubeObject, type ResourceType, resourcePath } from './object.ts';
import type { KubeRequest, Transport } from './transport.ts';
import { type WatchEvent, watchEvents } from './watch-stream.ts';

export interface ListPage<T> {
  readonly items: readonly T[];
  /** Where a watch of the whole list begins. */
  readonly resourceVersion: string;
  /** Names the next page; absent on the last one. */
  readonly continue?: string;
}

export interface WriteOptions {
  /** Recorded as the owner of the fields written. */
  readonly fieldManager: string;
  /** `Strict` (default here) refuses unknown and duplicate fields. */
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  readonly subresource?: 'status';
}

export interface ApplyOptions extends WriteOptions {
  /** Take fields over from other managers; only for fields that are ours alone. */
  readonly force?: boolean;
}

export interface DeleteOptions {
  /** Refuse (409) when the object is another one of the same name. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
}

export interface WatchOptions {
  readonly resourceVersion: string;
  /** Seconds after which the server ends the watch by itself. */
  readonly timeoutSeconds: number;
}

export type JsonPatch = readonly {
  readonly op: 'add' | 'remove' | 'replace' | 'test';
  readonly path: string;
  readonly value?: unknown;
}[];

const PAGE_SIZE = 500;

/**
 * Typed requests for one kind. Objects come as the server sent them, `managedFields` included. All fail with
 * `KubeError`. `namespace` undefined means the whole cluster.
 */
export class ResourceClient<T extends KubeObject> {
  readonly type: ResourceType;
  readonly #transport: Transport;

  constructor(transport: Transport, type: ResourceType) {
    this.#transport = transport;
    this.type = type;
  }

  async get(namespace: string | undefined, name: string, signal: AbortSignal): Promise<T> {
    return this.#request({ method: 'GET', path: resourcePath(this.type, namespace, name) }, signal);
  }

  /** One page of at most 500 objects. A continue token that is too old fails with 410. */
  async listPage(
    namespace: string | undefined,
    continueToken: string | undefined,
    signal: AbortSignal,
  ): Promise<ListPage<T>> {
    const path = resourcePath(this.type, namespace);
    const list = await this.#transport.request<{
      readonly items?: readonly T[];
      readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
    }>({ method: 'GET', path, query: { limit: PAGE_SIZE, continue: continueToken } }, signal);
    if (!list?.items || !list.metadata?.resourceVersion)
      throw new KubeError(0, 'BadAnswer', `GET ${path}: the answer is not a list`);
    return {
      items: list.items,
      resourceVersion: list.metadata.resourceVersion,
      ...(list.metadata.continue ? { continue: list.metadata.continue } : {}),
    };
  }

  /** All objects, page by page. */
  async list(namespace: string | undefined, signal: AbortSignal): Promise<ListPage<T>> {
    const items: T[] = [];
    let page = await this.listPage(namespace, undefined, signal);
    items.push(...page.items);
    while (page.continue !== undefined) {
      page = await this.listPage(namespace, page.continue, signal);
      items.push(...page.items);
    }
    return { items, resourceVersion: page.resourceVersion };
  }

  /** Events after `resourceVersion`, until the server ends the stream or the signal is aborted. */
  async *watch(
    namespace: string | undefined,
    options: WatchOptions,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<T>, void> {
    const path = resourcePath(this.type, namespace);
    const what = `WATCH ${path}`;
    const { resourceVersion, timeoutSeconds } = options;
    const query = { watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds };
    // A quiet watch says nothing until the server ends it; only then is silence a fault.
    const body = await this.#transport.stream({ method: 'GET', path, query }, (timeoutSeconds + 15) * 1_000, signal);
    try {
      yield* watchEvents<T>(what, body);
    } catch (error) {
      throw this.#transport.streamError(what, error, signal);
    } finally {
      body.destroy();
    }
  }

  async create(object: object, namespace: string | undefined, options: WriteOptions, signal: AbortSignal): Promise<T> {
    return this.#write('POST', resourcePath(this.type, namespace), 'application/json', object, options, {}, signal);
  }

  /** Merge patch (RFC 7396): null removes a field, lists are replaced whole. */
  async mergePatch(
    namespace: string | undefined,
    name: string,
    patch: object,
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<T> {
    const path = resourcePath(this.type, namespace, name, options.subresource);
    return this.#write('PATCH', path, 'application/merge-patch+json', patch, options, {}, signal);
  }

  /**
   * Writes fields of `status` if and only if the object still has `resourceVersion`: a write to `/status` checks no
   * uid, so this is what keeps a late write off an object re-created under the same name. Fails with 409 otherwise.
   */
  async patchStatus(
    read: {
      readonly metadata: { readonly namespace?: string; readonly name: string; readonly resourceVersion: string };
    },
    status: object,
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<T> {
    const { namespace, name, resourceVersion } = read.metadata;
    const patch = { metadata: { resourceVersion }, status };
    return this.mergePatch(namespace, name, patch, { ...options, subresource: 'status' }, signal);
  }

  /** JSON patch; a failing `test` is answered with 422, not 409. */
  async jsonPatch(
    namespace: string | undefined,
    name: string,
    patch: JsonPatch,
    options: WriteOptions,
    signal: AbortSignal,
  ): Promise<T> {
    const path = resourcePath(this.type, namespace, name, options.subresource);
    return this.#write('PATCH', path, 'application/json-patch+json', patch, options, {}, signal);
  }

  /** Server-side apply. Fields of ours that are left out are removed, so always send all of them. */
  async apply(
    namespace: string | undefined,
    name: string,
    object: object,
    options: ApplyOptions,
    signal: AbortSignal,
  ): Promise<T> {
    const { group, version, kind } = this.type;
    const path = resourcePath(this.type, namespace, name, options.subresource);
    const body = { ...object, apiVersion: group === '' ? version : `${group}/${version}`, kind };
    return this.#write('PATCH', path, 'application/apply-patch+yaml', body, options, { force: options.force }, signal);
  }

  async delete(
    namespace: string | undefined,
    name: string,
    options: DeleteOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const preconditions = { uid: options.uid, resourceVersion: options.resourceVersion };
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions,
      propagationPolicy: options.propagationPolicy,
    };
    const path = resourcePath(this.type, namespace, name);
    await this.#transport.request<unknown>({ method: 'DELETE', path, body }, signal);
  }

  #write(
    method: 'POST' | 'PATCH',
    path: string,
    contentType: string,
    body: unknown,
    options: WriteOptions,
    query: Readonly<Record<string, boolean | undefined>>,
    signal: AbortSignal,
  ): Promise<T> {
    const { fieldManager, fieldValidation = 'Strict' } = options;
    return this.#request(
      { method, path, contentType, body, query: { fieldManager, fieldValidation, ...query } },
      signal,
    );
  }

  #request(request: KubeRequest, signal: AbortSignal): Promise<T> {
    return this.#transport.request<T>(request, signal);
  }
}
