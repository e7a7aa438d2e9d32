/** What a run needs before it is begun or taken up: a source that answers, and far sides opened with today's credentials. */
import { clusterId } from '../../api/names.ts';
import { ReplicationError } from '../../domain/errors.ts';
import type { Target } from '../../engine/ports/target.ts';
import type { RunFarSide } from '../../engine/run-types.ts';
import { objectKey } from '../../runtime/key.ts';
import { type Access, readAccess } from '../cluster/access.ts';
import type { ReadySource } from '../ports.ts';
import { troubleOf, workingTrouble } from '../trouble.ts';
import { renewedTarget } from './renewed-target.ts';
import { closeFarSides } from './run-body.ts';
import { addTrouble, againIn, type Worksheet } from './worksheet.ts';

const LOOK_AGAIN_MS = 5_000;
/** The source must answer within this before a run is begun. Milliseconds. */
const SOURCE_CHECK_MS = 10_000;
/** Secrets and CAs must be read within this. Milliseconds. */
const ACCESS_MS = 30_000;

export async function sourceAnswers(sheet: Worksheet, signal: AbortSignal): Promise<boolean> {
  const { source } = sheet.options;
  try {
    await sheet.shared.source.get('', () => check(source), signal);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    addTrouble(sheet, workingTrouble(error));
    againIn(sheet, LOOK_AGAIN_MS);
    return false;
  }
}

async function check(source: ReadySource): Promise<void> {
  const timeout = AbortSignal.timeout(SOURCE_CHECK_MS);
  try {
    await source.check(timeout);
  } catch (error) {
    if (!timeout.aborted) throw error;
    const message = `the source database did not answer within ${SOURCE_CHECK_MS} ms`;
    throw new ReplicationError('retryable', 'SourceUnavailable', message);
  }
}

/** Credentials are read anew for each run (once for those that begin in the same second). Undefined, with the trouble noted, when a far side cannot be opened. */
export async function openFarSides(sheet: Worksheet, signal: AbortSignal): Promise<readonly RunFarSide[] | undefined> {
  const { options, references, task, shared } = sheet;
  const opened = new Map<string, RunFarSide>();
  for (const { cluster } of references) {
    if (cluster === undefined || opened.has(cluster.metadata.name)) continue;
    try {
      const { namespace, name } = cluster.metadata;
      const access = await shared.access.get(
        objectKey(namespace, `${name}@${cluster.metadata.generation}`),
        () => readAccess(options.store, cluster, AbortSignal.timeout(ACCESS_MS)),
        signal,
      );
      const open = (found: Access): Target => options.farSides.open(cluster, found, task.spec.localProjectId);
      opened.set(name, {
        target: renewedTarget(
          open(access),
          async (inner) => open(await readAccess(options.store, cluster, inner)),
          options.clock,
        ),
        uploadVerification: cluster.spec.uploadVerification,
        blobsOnly: cluster.spec.type === 'EDGE',
        lane: options.lanes.lane({
          clusterId: clusterId(namespace, name),
          taskUid: task.metadata.uid,
          rateLimit: task.spec.setting.rateLimit,
          ...cluster.spec.limits,
        }),
      });
    } catch (error) {
      await closeFarSides([...opened.values()]);
      signal.throwIfAborted();
      const trouble = troubleOf(error);
      addTrouble(sheet, { ...trouble, message: `Cluster ${cluster.metadata.name}: ${trouble.message}` });
      againIn(sheet, LOOK_AGAIN_MS);
      return undefined;
    }
  }
  return [...opened.values()];
}
