/** Whatever a log holds: it is told, counted or passed over, and what is told can be looked for. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ObjectId } from 'mongodb';
import { EVENT_LOG_FIELDS, eventChanges } from '../../../../src/source/feed/eventlog-entries.ts';
import { tell } from '../../../../src/source/feed/log-batches.ts';
import type { Fields, Told } from '../../../../src/source/feed/log-fields.ts';
import { oplogChanges } from '../../../../src/source/feed/oplog-entries.ts';
import { normalizeFullPath } from '../../../../src/source/schema/paths.ts';

const anything = fc.oneof(
  fc.anything({ withDate: true, withBigInt: true, withNullPrototype: true, maxDepth: 2 }),
  fc.constant(new ObjectId()),
  fc.string({ unit: 'binary' }),
);

/** Right more often than not, so that what is behind the first check is reached, too. */
const text = fc.oneof({ weight: 3, arbitrary: fc.string() }, anything);
const path = fc.oneof(
  { weight: 4, arbitrary: fc.array(fc.string()).map((names) => `/${names.join('/')}`) },
  fc.constantFrom('..', '/', '//', '/../..', '\\'),
  anything,
);

const request = fc.record(
  {
    projectId: text,
    repoName: text,
    fullPath: path,
    newFullPath: path,
    name: text,
    folder: anything,
    srcProjectId: text,
    srcRepoName: text,
    srcFullPath: path,
    destProjectId: text,
    destRepoName: text,
    destFullPath: path,
    destPath: path,
  },
  { requiredKeys: [] },
);

const operation = fc.record(
  {
    _id: anything,
    createdDate: fc.oneof(fc.date({ noInvalidDate: false }), anything),
    resourceType: fc.oneof(fc.constantFrom('NODE', 'METADATA', 'REPOSITORY', 'PROJECT'), anything),
    operateType: fc.oneof(fc.constantFrom('CREATE', 'UPDATE', 'DELETE', 'MOVE', 'COPY', 'RENAME'), anything),
    description: fc.oneof(
      { weight: 3, arbitrary: fc.record({ request: fc.oneof(request, request.map(jsonOf), anything) }) },
      anything,
    ),
  },
  { requiredKeys: [] },
);

const TYPES = [
  'NODE_CREATED',
  'NODE_DELETED',
  'NODE_CLEAN',
  'NODE_RENAMED',
  'NODE_MOVED',
  'NODE_COPIED',
  'NODE_DOWNLOADED',
  'METADATA_SAVED',
  'METADATA_DELETED',
  'VERSION_CREATED',
  'PACKAGE_METADATA_SAVED',
  'REPO_DELETED',
  'UNKNOWN',
];
const description = Object.fromEntries(
  EVENT_LOG_FIELDS.filter((field) => field.startsWith('description.')).map((field) => [field.slice(12), path]),
);
const happening = fc.record(
  {
    _id: anything,
    createdDate: fc.oneof(fc.date({ noInvalidDate: false }), anything),
    type: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...TYPES) }, fc.string(), anything),
    projectId: text,
    repoName: text,
    resourceKey: path,
    description: fc.oneof({ weight: 4, arbitrary: fc.record(description, { requiredKeys: [] }) }, anything),
  },
  { requiredKeys: [] },
);

function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? String(inner) : inner)) ?? '';
}

function holds(parse: (entry: Fields) => Told, entries: readonly Fields[]): void {
  const { changes, unknown, newest } = tell(entries, parse, new Date(0));
  assert.ok(unknown <= entries.length && changes.length <= 2 * entries.length);
  assert.ok(entries.length === 0 ? newest === undefined : Number.isFinite(newest));
  for (const { change, at } of changes) {
    assert.ok(Number.isFinite(at.getTime()));
    for (const value of Object.values(change)) assert.ok(value !== '' && value !== undefined);
    if (change.kind === 'node') assert.equal(normalizeFullPath(change.fullPath), change.fullPath);
  }
}

describe('whatever a log holds', () => {
  it('entries of the operation log are told or counted', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(operation, fc.object()), { maxLength: 5 }), (all) => holds(oplogChanges, all)),
    );
  });

  it('entries of the event log are told or counted', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(happening, fc.object()), { maxLength: 5 }), (all) => holds(eventChanges, all)),
    );
  });
});
