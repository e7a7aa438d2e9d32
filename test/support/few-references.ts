import type { Collection, CollectionOptions, Db, Document } from 'mongodb';

const REFERENCES = /^file_reference_\d+$/;
const ONE = 'file_reference_0';

/**
 * A database in which the references to blobs lie in one collection instead of 256, for a peer: nobody who uses this looks
 * at them, and to make a collection with its indexes costs a mongod more than a whole file does.
 */
export function withFewReferences(db: Db): Db {
  const collection = (name: string, options?: CollectionOptions): Collection =>
    db.collection(name.replace(REFERENCES, ONE), options);
  const command = ({ createIndexes, ...command }: Document): Promise<Document> =>
    db.command(
      typeof createIndexes === 'string'
        ? { createIndexes: createIndexes.replace(REFERENCES, ONE), ...command }
        : command,
    );
  return new Proxy(db, {
    get(target, key) {
      if (key === 'collection') return collection;
      if (key === 'command') return command;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
