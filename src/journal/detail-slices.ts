/** A record's details of one far side in slices by the unique index, so that no question takes long, however many they are. */
import type { Collection, Filter } from 'mongodb';

import type { DetailDocument } from './detail-documents.ts';
import { call } from './mongo-errors.ts';

/** Details looked at with one question. */
const SLICE = 20_000;

/** Behind the unitKey `after`, one slice after the other; the last one has no upper bound. */
export async function* slices(
  details: Collection<DetailDocument>,
  { recordId, clusterId }: Pick<DetailDocument, 'recordId' | 'clusterId'>,
  after: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<Filter<DetailDocument>> {
  let from = after;
  for (;;) {
    const behind = from === undefined ? {} : { $gt: from };
    const inside = { recordId, clusterId, ...(from === undefined ? {} : { unitKey: behind }) };
    const [last] = await call('look through details', signal, () =>
      details
        .find(inside, { projection: { _id: 0, unitKey: 1 } })
        .sort({ unitKey: 1 })
        .skip(SLICE - 1)
        .limit(1)
        .toArray(),
    );
    if (last === undefined) return yield inside;
    yield { recordId, clusterId, unitKey: { ...behind, $lte: last.unitKey } };
    from = last.unitKey;
  }
}
