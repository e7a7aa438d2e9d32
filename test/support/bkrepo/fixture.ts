/** The real bk-repo database and store beside the project (`../shared/fixtures/bkrepo-source`), where it is there. */
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BSON, type Db, type Document, type IndexDescription } from 'mongodb';

/** The project all fixture data belongs to. */
export const FIXTURE_PROJECT = 'fx';

/** Live files of each repository, from the fixture's own description. */
export const FIXTURE_LIVE_FILES: Readonly<Record<string, number>> = {
  gen: 39,
  mvn: 52,
  npm: 8,
  docker: 24,
  oci: 30,
  helm: 4,
  empty: 0,
};

const DIRECTORY = fileURLToPath(new URL('../../../../shared/fixtures/bkrepo-source', import.meta.url));

/** For the `skip` of a test: false when the fixture is there, else the words that say what did not run and why. */
export function fixtureMissing(): string | false {
  return existsSync(path.join(DIRECTORY, 'mongo'))
    ? false
    : 'did not run: ../shared/fixtures/bkrepo-source is not there';
}

/** Loads all documents with the server's indexes into `db`, and copies the blobs into `storeDir`. */
export async function loadFixture(db: Db, storeDir: string): Promise<void> {
  const mongoDir = path.join(DIRECTORY, 'mongo');
  const indexes = JSON.parse(await readFile(path.join(mongoDir, 'indexes.json'), 'utf8')) as Record<
    string,
    (IndexDescription & { name: string })[]
  >;
  for (const file of await readdir(mongoDir)) {
    if (!file.endsWith('.ejsonl')) continue;
    const name = path.basename(file, '.ejsonl');
    const documents = await fixtureEntries(name);
    const family = name.replace(/_\d{6}$/, '_YYYYMM').replace(/_\d+$/, '_N');
    const ours = (indexes[family] ?? []).filter((index) => index.name !== '_id_');
    // Nothing reads the many small reference collections by index; building two for each takes seconds.
    if (ours.length > 0 && family !== 'file_reference_N') await db.collection(name).createIndexes(ours);
    await db.collection(name).insertMany(documents);
  }
  await copyBlobs(path.join(DIRECTORY, 'store'), storeDir);
}

/** The documents of one of its collections. */
export async function fixtureEntries(collection: string): Promise<Document[]> {
  const text = await readFile(path.join(DIRECTORY, 'mongo', `${collection}.ejsonl`), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => BSON.EJSON.parse(line, { relaxed: false }) as Document);
}

/** The fixture's indexes by collection (families without their number): name, key, unique; `_id_` left out. */
export async function fixtureIndexes(): Promise<Readonly<Record<string, readonly IndexDescription[]>>> {
  const text = await readFile(path.join(DIRECTORY, 'mongo', 'indexes.json'), 'utf8');
  const all = JSON.parse(text) as Record<string, IndexDescription[]>;
  return Object.fromEntries(
    Object.entries(all).map(([family, indexes]) => [
      family,
      indexes
        .filter((index) => index.name !== '_id_')
        .map(({ name, key, unique }) => ({ name, key, ...(unique === true ? { unique } : {}) }) as IndexDescription),
    ]),
  );
}

/** The copies are writable, whatever the originals are. */
async function copyBlobs(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const source = path.join(entry.parentPath, entry.name);
    const target = path.join(to, path.relative(from, source));
    await mkdir(path.dirname(target), { recursive: true });
    await copyFile(source, target);
    await chmod(target, 0o644);
  }
}
