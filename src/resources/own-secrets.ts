/** Secrets that REST made in the standalone mode: each in a file of the state directory, gone with its Cluster. */
import { type LoadedState, loadSecrets, objectId, removeSecret, type StoredSecret, saveSecret } from './state-files.ts';
import type { ObjectKey, SecretData } from './store.ts';

export class OwnSecrets {
  readonly #stateDir: string;
  readonly #secrets: Map<string, StoredSecret>;

  private constructor(stateDir: string, secrets: readonly StoredSecret[]) {
    this.#stateDir = stateDir;
    this.#secrets = new Map(secrets.map((secret) => [idOf(secret), secret]));
  }

  /**
   * Those of the state directory; what a process killed in between left of a removed Cluster goes now, unless an object
   * that cannot be read may be its owner.
   */
  static async load(stateDir: string, { objects, unreadable }: LoadedState): Promise<OwnSecrets> {
    const secrets = new OwnSecrets(stateDir, await loadSecrets(stateDir));
    if (unreadable.length > 0) return secrets;
    const uids = new Set([...objects.values()].map(({ object }) => object.metadata.uid));
    for (const { owner } of secrets.#secrets.values()) if (!uids.has(owner)) await secrets.removeOf(owner);
    return secrets;
  }

  /** By objectId. */
  has(id: string): boolean {
    return this.#secrets.has(id);
  }

  get(key: ObjectKey): SecretData | undefined {
    const secret = this.#secrets.get(idOf(key));
    if (secret === undefined) return undefined;
    const data = Object.entries(secret.data).map(([name, text]) => [name, Buffer.from(text, 'base64')] as const);
    return { data: Object.fromEntries(data) };
  }

  /** uid of its Cluster. */
  ownerOf(key: ObjectKey): string | undefined {
    return this.#secrets.get(idOf(key))?.owner;
  }

  /** One after the other is the caller's duty. */
  async put(key: ObjectKey, owner: string, values: Readonly<Record<string, string>>): Promise<void> {
    const data = Object.entries(values).map(([name, text]) => [name, Buffer.from(text).toString('base64')] as const);
    const secret = { namespace: key.namespace, name: key.name, owner, data: Object.fromEntries(data) };
    await saveSecret(this.#stateDir, secret);
    this.#secrets.set(idOf(key), secret);
  }

  async removeOf(owner: string): Promise<void> {
    for (const [id, secret] of this.#secrets) {
      if (secret.owner !== owner) continue;
      await removeSecret(this.#stateDir, secret);
      this.#secrets.delete(id);
    }
  }
}

function idOf({ namespace, name }: ObjectKey): string {
  return objectId('Secret', namespace, name);
}
