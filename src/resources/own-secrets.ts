/** Secrets that REST made in the standalone mode: each in a file of the state directory, gone with its Cluster. */
import { removeSecret, type StoredSecret, saveSecret } from './state-files.ts';
import type { ObjectKey, SecretData } from './store.ts';

export class OwnSecrets {
  readonly #stateDir: string;
  readonly #secrets: Map<string, StoredSecret>;

  constructor(stateDir: string, secrets: readonly StoredSecret[]) {
    this.#stateDir = stateDir;
    this.#secrets = new Map(secrets.map((secret) => [placeOf(secret), secret]));
  }

  get(key: ObjectKey): SecretData | undefined {
    const secret = this.#secrets.get(placeOf(key));
    if (secret === undefined) return undefined;
    const data = Object.entries(secret.data).map(([name, text]) => [name, Buffer.from(text, 'base64')] as const);
    return { data: Object.fromEntries(data) };
  }

  /** One after the other is the caller's duty. */
  async put(key: ObjectKey, owner: string, values: Readonly<Record<string, string>>): Promise<void> {
    const data = Object.entries(values).map(([name, text]) => [name, Buffer.from(text).toString('base64')] as const);
    const secret = { namespace: key.namespace, name: key.name, owner, data: Object.fromEntries(data) };
    await saveSecret(this.#stateDir, secret);
    this.#secrets.set(placeOf(key), secret);
  }

  async removeOf(owner: string): Promise<void> {
    for (const [place, secret] of this.#secrets) {
      if (secret.owner !== owner) continue;
      await removeSecret(this.#stateDir, secret);
      this.#secrets.delete(place);
    }
  }
}

function placeOf({ namespace, name }: ObjectKey): string {
  return `${namespace}/${name}`;
}
