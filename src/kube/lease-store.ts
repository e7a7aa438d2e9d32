import { CoordinationV1Api, type V1Lease, V1MicroTime } from '@kubernetes/client-node';

import { isNotFound } from './errors.ts';
import type { Transport } from './transport.ts';

/** What a Lease says about who leads. */
export interface LeaseRecord {
  /** Empty = nobody. */
  readonly holder: string;
  readonly durationSeconds: number;
  readonly acquireTime: Date;
  readonly renewTime: Date;
  readonly transitions: number;
}

/** A record together with the version that it was read at; `version` means something to its store only. */
export interface StoredLease {
  readonly record: LeaseRecord;
  readonly version: unknown;
}

/** Where the elector keeps its record. Writes fail with 409 when someone else wrote since `previous` was read. */
export interface LeaseStore {
  get(signal: AbortSignal): Promise<StoredLease | undefined>;
  create(record: LeaseRecord, signal: AbortSignal): Promise<StoredLease>;
  update(previous: StoredLease, record: LeaseRecord, signal: AbortSignal): Promise<StoredLease>;
}

/** Keeps the record in a coordination.k8s.io/v1 Lease; needs get, create and update on it. */
export class KubeLeaseStore implements LeaseStore {
  readonly #transport: Transport;
  readonly #namespace: string;
  readonly #name: string;

  constructor(transport: Transport, namespace: string, name: string) {
    this.#transport = transport;
    this.#namespace = namespace;
    this.#name = name;
  }

  async get(signal: AbortSignal): Promise<StoredLease | undefined> {
    try {
      const lease = await this.#api(signal).readNamespacedLease({ namespace: this.#namespace, name: this.#name });
      return stored(lease);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async create(record: LeaseRecord, signal: AbortSignal): Promise<StoredLease> {
    const body: V1Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: this.#name, namespace: this.#namespace },
      spec: spec(record),
    };
    return stored(await this.#api(signal).createNamespacedLease({ namespace: this.#namespace, body }));
  }

  async update(previous: StoredLease, record: LeaseRecord, signal: AbortSignal): Promise<StoredLease> {
    const lease = previous.version as V1Lease;
    // Fields and labels that others put there stay.
    const body: V1Lease = Object.assign({}, lease, { spec: Object.assign({}, lease.spec, spec(record)) });
    return stored(
      await this.#api(signal).replaceNamespacedLease({ namespace: this.#namespace, name: this.#name, body }),
    );
  }

  #api(signal: AbortSignal): CoordinationV1Api {
    return new CoordinationV1Api(this.#transport.configuration(signal));
  }
}

/** The server's MicroTime takes exactly six digits after the second; a plain Date has three and is refused. */
function spec(record: LeaseRecord): NonNullable<V1Lease['spec']> {
  return {
    holderIdentity: record.holder,
    leaseDurationSeconds: record.durationSeconds,
    acquireTime: new V1MicroTime(record.acquireTime),
    renewTime: new V1MicroTime(record.renewTime),
    leaseTransitions: record.transitions,
  };
}

function stored(lease: V1Lease): StoredLease {
  return {
    version: lease,
    record: {
      holder: lease.spec?.holderIdentity ?? '',
      durationSeconds: lease.spec?.leaseDurationSeconds ?? 0,
      acquireTime: timeOf(lease.spec?.acquireTime),
      renewTime: timeOf(lease.spec?.renewTime),
      transitions: lease.spec?.leaseTransitions ?? 0,
    },
  };
}

/** The generated classes declare a Date but leave a MicroTime they read as text. */
function timeOf(time: Date | string | undefined): Date {
  return new Date(time ?? 0);
}
