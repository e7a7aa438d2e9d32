/** What bk-repo writes into its operation log (contract §4.1). */
import { type Collection, type Document, ObjectId } from 'mongodb';

/** A file `fullPath` of `p/r` was made; `minutesLater` by the clock of the server that says so. */
export function created(fullPath: string, minutesLater = 0): Document {
  return entry('NODE', 'CREATE', { projectId: 'p', repoName: 'r', fullPath, folder: false }, minutesLater);
}

/** Of nodes the request is text, of all else it is embedded. */
export function entry(resourceType: string, operateType: string, request: Document, minutesLater = 0): Document {
  const time = new Date(Date.now() + minutesLater * 60_000);
  return {
    _id: idAt(time),
    createdDate: time,
    resourceType,
    resourceKey: `/p/r${request['fullPath'] ?? ''}`,
    operateType,
    userId: 'admin',
    clientAddress: '127.0.0.1',
    description:
      resourceType === 'NODE'
        ? { projectId: 'p', repoName: 'r', request: JSON.stringify(request, undefined, 2) }
        : { request },
  };
}

/** Of the second of `time`, and never the same. */
export function idAt(time: Date): ObjectId {
  const seconds = Math.floor(time.getTime() / 1_000);
  return new ObjectId(seconds.toString(16).padStart(8, '0') + new ObjectId().toHexString().slice(8));
}

/** Fills it until its first entry is gone. */
export async function wrap(log: Collection<Document>): Promise<void> {
  const first = await log.findOne({}, { sort: { $natural: 1 } });
  if (first === null) throw new Error('there is nothing to overwrite');
  while ((await log.findOne({ _id: first._id })) !== null)
    await log.insertMany(Array.from({ length: 100 }, (_, index) => created(`/filler/${index}`)));
}
