/**
 * Takes one unit from its verdict to a commit (then the settler reads it back) or to a final record. Commit rules of
 * design §3: what was judged absent, and everything under SKIP and FAST_FAIL, is created with overwrite=false; an
 * "existed" answer means compare again; overwrite=true only after the far side's digest was read.
 */
import { type Action, decide, farSideIsNewer, judge, travellingMetadata } from '../../domain/compare.ts';
import { classify, ReplicationError } from '../../domain/errors.ts';
import { filesFingerprint } from '../../domain/quarantine.ts';
import type { Delivery, Parcel } from '../blob-courier.ts';
import type { Committed, ObjectContext, Unit } from '../context.ts';
import { fingerprintOfFailure } from '../failure-memory.ts';
import { finish } from '../finish-unit.ts';
import { createNode, keysOf, repairMetadata } from '../node-writing.ts';
import { follows } from '../ownership.ts';
import type { BlobProof, ProofMethod } from '../ports/journal.ts';
import type { TargetNode } from '../ports/target.ts';
import { fastFail, isJournalError, PERHAPS_CHANGED } from '../unit-errors.ts';

export interface Assignment {
  readonly unit: Unit;
  readonly far: TargetNode | undefined;
  readonly ownedKeys: readonly string[];
  readonly proof: BlobProof | undefined;
}

export interface WorkerHooks {
  readonly commit: (committed: Committed) => void;
  readonly prove: (sha256: string, method: ProofMethod) => void;
  readonly redo: (unit: Unit) => void;
  /** It was there already. */
  readonly met: (unit: Unit) => void;
  /** It was to be written, and somebody else has. */
  readonly notOurs: (unit: Unit, signal: AbortSignal) => Promise<void>;
}

const MOST_REDONE = 3;

export async function workUnit(
  context: ObjectContext,
  hooks: WorkerHooks,
  assignment: Assignment,
  signal: AbortSignal,
): Promise<void> {
  try {
    await perform(context, hooks, assignment, signal);
  } catch (cause) {
    signal.throwIfAborted();
    const error = classify(cause);
    if (isJournalError(error)) throw error;
    if (PERHAPS_CHANGED.has(error.code) && (await movedOn(context, hooks, assignment.unit, signal))) return;
    await fail(context, assignment.unit, signal, error);
    if (error.errorClass === 'cluster' || error.errorClass === 'spec') context.giveUp(error);
    else if (context.setting.errorStrategy === 'FAST_FAIL')
      context.giveUp(fastFail(error, assignment.unit.node.fullPath));
  }
}

async function perform(
  context: ObjectContext,
  hooks: WorkerHooks,
  assignment: Assignment,
  signal: AbortSignal,
): Promise<void> {
  const { courier, repository, target } = context;
  const { unit, ownedKeys } = assignment;
  const kept = ownedKeys.length > 0 ? { ownedKeys: keysOf(unit.node) } : {};
  let { far } = assignment;
  let delivered: Delivery = { bytesSent: 0, pushed: false, proof: undefined };
  let created = false;
  let meant = false;
  for (let comparison = 0; comparison < 4; comparison += 1) {
    const action = actionOf(context, { ...assignment, far });
    const parcel: Parcel = { repository, target, node: unit.node, proof: assignment.proof };
    switch (action.kind) {
      case 'none': {
        const proved = await courier.prove(parcel, signal);
        const sum = add(delivered, proved);
        if (created || isOwn(unit, far) || unit.redone > 0 || sum.pushed) {
          hooks.commit({ unit, ...sum, ...kept, isOurs: created || meant || isOwn(unit, far) });
        } else {
          if (proved.proof !== undefined) hooks.prove(unit.node.sha256, proved.proof);
          hooks.met(unit);
          await finish(context, unit, 'UNCHANGED', 0, signal);
        }
        return;
      }
      case 'repair-metadata':
        await repairMetadata(context, unit.node, far, ownedKeys, signal);
        delivered = add(delivered, await courier.prove(parcel, signal));
        hooks.commit({ unit, ...delivered, ...kept, isOurs: isOwn(unit, far) });
        return;
      case 'conflict':
      case 'keep':
      case 'fail':
        if (meant || unit.redone > 0) await hooks.notOurs(unit, signal);
        await refuse(context, unit, action, delivered.bytesSent, signal);
        return;
      case 'create':
      case 'overwrite': {
        meant = true;
        delivered = add(delivered, await courier.ensure(parcel, signal));
        const answer = await createNode(context, unit.node, action.kind === 'overwrite', signal);
        if (answer.result === 'created') {
          hooks.commit({ unit, ...delivered, ...kept, isOurs: true });
          return;
        }
        created ||= answer.tries > 1;
        far = await findOne(context, unit, signal);
      }
    }
  }
  throw new ReplicationError(
    'unit',
    'FarSideKeepsChanging',
    `${unit.node.fullPath} was there when it was created, and not when it was looked up, several times in a row: someone else writes to far side ${context.link.name}, or the account may not read this path there`,
  );
}

/** Decided alike when a unit is begun and each time it is compared again. */
export function actionOf(
  context: Pick<ObjectContext, 'setting'>,
  { unit, far, ownedKeys }: Omit<Assignment, 'proof'>,
): Action {
  const keepNewer = follows(context) && farSideIsNewer(unit.node, far);
  return decide(judge(unit.node, far, ownedKeys), context.setting.conflictStrategy, isOwn(unit, far), keepNewer);
}

/** What lies there was committed by this very run, from a state of the source that has passed. */
function isOwn({ ownDigest }: Unit, far: TargetNode | undefined): boolean {
  return ownDigest !== undefined && far?.sha256 === ownDigest;
}

async function findOne(
  { link, target }: ObjectContext,
  unit: Unit,
  signal: AbortSignal,
): Promise<TargetNode | undefined> {
  const found = await link.call((t) => t.findNodes(target, [unit.node.fullPath], signal), signal);
  return found.get(unit.node.fullPath);
}

async function refuse(
  context: ObjectContext,
  unit: Unit,
  action: Extract<Action, { kind: 'conflict' | 'keep' | 'fail' }>,
  bytesSent: number,
  signal: AbortSignal,
): Promise<void> {
  if (action.kind === 'fail') throw new ReplicationError('unit', action.reason, action.message);
  const reason = action.kind === 'keep' ? 'FarSideNewer' : 'Conflict';
  await finish(context, unit, 'CONFLICT', bytesSent, signal, new ReplicationError('unit', reason, action.message));
}

/** True when the source has changed this file since it was planned: gone = nothing to do, else it is begun again. */
async function movedOn(context: ObjectContext, hooks: WorkerHooks, unit: Unit, signal: AbortSignal): Promise<boolean> {
  const { fullPath, sha256 } = unit.node;
  const present = (await context.reader.findNodes(context.repository, [fullPath], signal)).get(fullPath);
  if (present === undefined) return true;
  if (unit.rebuilt || present.kind !== 'file' || present.sha256 === sha256 || unit.redone >= MOST_REDONE) return false;
  const metadata = travellingMetadata(present.metadata, context.setting.includeMetadata);
  hooks.redo({ ...unit, node: { ...present, metadata }, listed: present, redone: unit.redone + 1 });
  return true;
}

/** A failure that is held against the file. */
export async function fail(
  context: ObjectContext,
  unit: Unit,
  signal: AbortSignal,
  error: ReplicationError,
  bytesSent = 0,
): Promise<void> {
  const fingerprint = await fingerprintOfFailure(error, () => filesFingerprint([unit.listed]), signal);
  await finish(context, unit, 'FAILED', bytesSent, signal, error, fingerprint);
}

function add(a: Delivery, b: Delivery): Delivery {
  return { bytesSent: a.bytesSent + b.bytesSent, pushed: a.pushed || b.pushed, proof: b.proof ?? a.proof };
}
