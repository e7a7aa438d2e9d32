/** When what was written at a source became durable at a far side, as the two databases themselves tell. */
import { type Db, type Document, type MongoClient, Timestamp } from 'mongodb';
import { shardOf } from '../support/bkrepo/layout.ts';

export interface Arrivals {
  /** Milliseconds from the creation of each file at the source to that of its node at the far side, ascending. */
  readonly lags: readonly number[];
  /** When the last of them came; milliseconds since the epoch. */
  readonly last: number;
}

export interface Place {
  readonly db: Db;
  readonly projectId: string;
}

/** Of all files of the source's project; both databases are of one MongoDB, and no file was there before `since`. */
export async function arrivals(client: MongoClient, source: Place, farSide: Place, since: Date): Promise<Arrivals> {
  const created = new Map<string, number>();
  const nodes = source.db
    .collection(`node_${shardOf(source.projectId)}`)
    .find({ projectId: source.projectId, folder: false })
    .project({ fullPath: 1, createdDate: 1 });
  for await (const { fullPath, createdDate } of nodes) created.set(fullPath, (createdDate as Date).getTime());
  const lags: number[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for await (const { fullPath, at } of inserted(client, farSide, since)) {
    const begun = created.get(fullPath);
    // Told once: a file that is written again has arrived before.
    if (begun === undefined) continue;
    created.delete(fullPath);
    lags.push(at - begun);
    last = Math.max(last, at);
  }
  return { lags: lags.toSorted((a, b) => a - b), last };
}

/** From MongoDB's own log of operations, which costs nothing while the flow is measured. */
async function* inserted(
  client: MongoClient,
  { db, projectId }: Place,
  since: Date,
): AsyncGenerator<{ readonly fullPath: string; readonly at: number }> {
  const ns = `${db.databaseName}.node_${shardOf(projectId)}`;
  const from = new Timestamp({ t: Math.floor(since.getTime() / 1_000), i: 0 });
  const entries = client
    .db('local')
    .collection<Document>('oplog.rs')
    .find({ ts: { $gte: from }, ns, op: 'i', 'o.folder': false, 'o.projectId': projectId })
    .project({ wall: 1, 'o.fullPath': 1 });
  for await (const { wall, o } of entries) yield { fullPath: String(o.fullPath), at: (wall as Date).getTime() };
}

/** Of ascending values. */
export function percentile(ascending: readonly number[], part: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(part * ascending.length))] ?? Number.NaN;
}
