/** The part of Kubernetes' object metadata that the program reads, as the API server and the directory mode give it. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  /** Never reused: tells a re-created object from the one before. */
  readonly uid: string;
  /** Opaque; compare for equality only. */
  readonly resourceVersion: string;
  /** Moves with every change of `spec`. */
  readonly generation: number;
  /** RFC 3339. */
  readonly creationTimestamp: string;
  /** Who wrote the object last, apart from status and requests: the server's word (`managedFields`), in short. */
  readonly lastEdit?: { readonly manager: string /** RFC 3339. */; readonly time: string };
  /** RFC 3339; present while the object waits for its finalizers. */
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
}
