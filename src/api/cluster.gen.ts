// Generated from crds/*.yaml by `npm run generate`. Do not edit.
import type { Condition } from './conditions.ts';
import type { ObjectMeta } from './object.ts';

/**
 * Cluster is a far side: one bk-repo installation, or another service that speaks its replication protocol, to
 * which ReplicaTasks of the same namespace copy artifacts. The operator probes it and reports in status whether it
 * can be used. Deleting a Cluster waits until no ReplicaTask refers to it. The name is what `remoteClusterIds` of a
 * ReplicaTask refers to; the annotation `replication.bkrepo.io/legacy-id` keeps the id that an older bk-repo gave
 * this cluster; a new value of the annotation `replication.bkrepo.io/credentials-changed` has the far side asked at
 * once instead of at the next probe.
 */
export interface Cluster {
  readonly apiVersion: 'replication.bkrepo.io/v1alpha1';
  readonly kind: 'Cluster';
  readonly metadata: ObjectMeta;
  readonly spec: ClusterSpec;
  readonly status: ClusterStatus;
}

/** How the far side is reached, and with what it is entrusted. */
export interface ClusterSpec {
  /**
   * Name that the REST API shows for this cluster, 2 to 256 characters. Default: the object's `metadata.name`.
   * Example: `Shanghai backup`.
   */
  readonly name?: string;
  /**
   * Role of the far side. STANDALONE is an installation of its own and gets projects, repositories, blobs and
   * metadata. EDGE shares its centre's metadata and gets blobs only. CENTER and REMOTE are not supported yet and
   * make the cluster not ready. Required, no default. Example: `STANDALONE`.
   */
  readonly type: 'CENTER' | 'EDGE' | 'STANDALONE' | 'REMOTE';
  /** Protocol the far side speaks. `bkrepo` is bk-repo's replication protocol. Default: `bkrepo`. Example: `bkrepo`. */
  readonly protocol: 'bkrepo';
  /**
   * Address of the far side's replication service, http or https, including the `/replication` path and without
   * credentials, query or fragment. Required, no default. Example: `https://bkrepo.example.com/replication`.
   */
  readonly url: string;
  /**
   * Secret of the same namespace with the keys `username` and `password` of the account that writes at the far
   * side. It is read anew at each probe, at the start of a run and after a refused login. Default: none, requests
   * carry no credentials. Example: `{name: shanghai-credentials}`.
   */
  readonly credentialsSecretRef?: ClusterSpecCredentialsSecretRef;
  /**
   * Certificates of the authorities that sign the far side's TLS certificate, as PEM text of at most 65536
   * characters; they replace the system's. At most one of `certificate`, `caSecretRef` and `caConfigMapRef` may be
   * given. Default: none, the system's authorities are trusted. Example: `-----BEGIN CERTIFICATE-----` and so on.
   */
  readonly certificate?: string;
  /**
   * Secret of the same namespace that holds the certificates of the authorities that sign the far side's TLS
   * certificate, as PEM text. Default: none, the system's authorities are trusted. Example: `{name: company-ca}`.
   */
  readonly caSecretRef?: ClusterSpecCaSecretRef;
  /**
   * ConfigMap of the same namespace that holds the certificates of the authorities that sign the far side's TLS
   * certificate, as PEM text. Default: none, the system's authorities are trusted. Example: `{name: company-ca}`.
   */
  readonly caConfigMapRef?: ClusterSpecCaConfigMapRef;
  /**
   * Secret of the same namespace, of type kubernetes.io/tls, whose keys `tls.crt` and `tls.key` are shown to the
   * far side. Default: none, no client certificate is shown. Example: `{name: replicator-client-cert}`.
   */
  readonly clientCertificateSecretRef?: ClusterSpecClientCertificateSecretRef;
  /**
   * HTTP proxy through which the far side is reached. Only proxies from the administrator's list are used, and the
   * far side's host must match a pattern of that list. Default: none, the far side is reached directly. Example:
   * `http://proxy.example.com:3128`.
   */
  readonly proxyUrl?: string;
  /**
   * What all tasks together may ask of this far side at once. Default: unlimited bandwidth, 8 artifacts at once.
   * Example: `{bandwidth: 10485760, concurrency: 8}`.
   */
  readonly limits: ClusterSpecLimits;
  /**
   * How the operator makes sure that the far side stored the right bytes. `auto` proves every blob from 8 MiB on,
   * smaller ones until the far side has passed a number of proofs, and samples afterwards. `always` proves every
   * blob. `never` trusts the far side's answer. Default: `auto`. Example: `always`.
   */
  readonly uploadVerification: 'auto' | 'always' | 'never';
  /**
   * IANA name of the time zone in which the far side's server runs; dates on the wire carry none. Default: measured
   * from the far side's answers. Example: `Asia/Shanghai`.
   */
  readonly timeZone?: string;
  /**
   * Time between two probes of the far side, as a duration of hours, minutes and seconds from 1s to 24h. Default:
   * `60s`. Example: `2m30s`.
   */
  readonly probeInterval: string;
}

/**
 * Secret of the same namespace with the keys `username` and `password` of the account that writes at the far side.
 * It is read anew at each probe, at the start of a run and after a refused login. Default: none, requests carry no
 * credentials. Example: `{name: shanghai-credentials}`.
 */
export interface ClusterSpecCredentialsSecretRef {
  /** Name of the Secret. Required, no default. Example: `shanghai-credentials`. */
  readonly name: string;
}

/**
 * Secret of the same namespace that holds the certificates of the authorities that sign the far side's TLS
 * certificate, as PEM text. Default: none, the system's authorities are trusted. Example: `{name: company-ca}`.
 */
export interface ClusterSpecCaSecretRef {
  /** Name of the Secret. Required, no default. Example: `company-ca`. */
  readonly name: string;
  /** Key within the Secret. Default: `ca.crt`. Example: `tls-ca.pem`. */
  readonly key: string;
}

/**
 * ConfigMap of the same namespace that holds the certificates of the authorities that sign the far side's TLS
 * certificate, as PEM text. Default: none, the system's authorities are trusted. Example: `{name: company-ca}`.
 */
export interface ClusterSpecCaConfigMapRef {
  /** Name of the ConfigMap. Required, no default. Example: `company-ca`. */
  readonly name: string;
  /** Key within the ConfigMap. Default: `ca.crt`. Example: `tls-ca.pem`. */
  readonly key: string;
}

/**
 * Secret of the same namespace, of type kubernetes.io/tls, whose keys `tls.crt` and `tls.key` are shown to the far
 * side. Default: none, no client certificate is shown. Example: `{name: replicator-client-cert}`.
 */
export interface ClusterSpecClientCertificateSecretRef {
  /** Name of the Secret. Required, no default. Example: `replicator-client-cert`. */
  readonly name: string;
}

/**
 * What all tasks together may ask of this far side at once. Default: unlimited bandwidth, 8 artifacts at once.
 * Example: `{bandwidth: 10485760, concurrency: 8}`.
 */
export interface ClusterSpecLimits {
  /**
   * Bytes per second of artifact content that all tasks together send to this far side; 0 is unlimited. Tasks that
   * want to send get equal parts, and what one does not need goes to the others. A changed limit counts from the
   * next run on. Default: 0. Example: `10485760`, which is 10 MiB per second.
   */
  readonly bandwidth: number;
  /**
   * Largest number of artifacts that are sent to this far side at once, over all tasks, and of requests under way.
   * How many requests there really are is found out: few at first, more while that helps, half as many when the far
   * side answers 429 or 503 or not in time. A bk-repo server on two cores gains nothing beyond 8. Default: 8.
   * Example: `4`.
   */
  readonly concurrency: number;
}

/** What the operator last found out about the far side. Written by the operator only. */
export interface ClusterStatus {
  /**
   * Stable id of this cluster: the first 32 hexadecimal digits of the sha256 of
   * `replication.bkrepo.io/Cluster/<namespace>/<name>`. It is the same after a restore. Example:
   * `5f1a8c0e9b7d4c3f8a6e2d1b0c9f8e7d`.
   */
  readonly id?: string;
  /**
   * State of the cluster. Ready is True when tasks can use it. Reconciling and Stalled are present only while True:
   * the operator is working on it, or it cannot go on until a person changes something.
   */
  readonly conditions?: readonly Condition[];
  /** Result of the last probe. Example: `HEALTHY`. */
  readonly health?: 'HEALTHY' | 'UNHEALTHY';
  /** Why the last probe failed, in words; absent while HEALTHY. Example: `connect ECONNREFUSED 192.0.2.7:443`. */
  readonly errorReason?: string;
  /** Version that the far side answered. Example: `1.0.0`. */
  readonly version?: string;
  /** Milliseconds that the last successful probe took. Example: `12`. */
  readonly latency?: number;
  /**
   * Instant of the last probe; written with a change of state or at most every ten minutes, the live value is a
   * metric. Example: `2026-11-22T08:30:00Z`.
   */
  readonly lastProbeTime?: string;
  /** Id of the installation that looks after this object; another one leaves it alone. Example: `production`. */
  readonly servedBy?: string;
  /** Generation of the spec that this status is about; -1 before the first one. Example: `3`. */
  readonly observedGeneration: number;
}
