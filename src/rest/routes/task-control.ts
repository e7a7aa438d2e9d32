/** Running, stopping and suspending tasks: annotations and `enabled`, never what is copied (contract §1.6, §1.7). */
import type { FastifyInstance, FastifyRequest } from 'fastify';

import {
  CANCEL_REQUESTED_ANNOTATION,
  MODIFIED_BY_ANNOTATION,
  REPLICA_TASK_KIND,
  RUN_REQUESTED_ANNOTATION,
  SUSPENDED_ANNOTATION,
} from '../../api/names.ts';
import type { ReplicaTask } from '../../api/replica-task.gen.ts';
import { isEnabled } from '../../domain/due.ts';
import type { EditOutcome, LiveObject } from '../../resources/editor.ts';
import { audited, type Generations } from '../audit.ts';
import { authorize } from '../authorize.ts';
import { complain } from '../codes.ts';
import type { RestContext } from '../context.ts';
import { edited, owned } from '../edit.ts';
import { success } from '../http.ts';
import { taskState } from '../mapping/task-info.ts';
import { NOTHING } from '../schemas/envelope.ts';
import { KEY_PARAMS, type KeyParams } from '../schemas/queries.ts';
import { TASK_BASE, TASK_BASES } from './bases.ts';
import { described } from './describe.ts';

type Attempt = (live: LiveObject<'ReplicaTask'>) => Promise<EditOutcome<'ReplicaTask'>>;

export function taskControlRoutes(app: FastifyInstance, context: RestContext): void {
  const { catalogue, clock, editor, logger, namespaces, randomHex } = context;

  for (const base of TASK_BASES) {
    const deprecated = base !== TASK_BASE;
    const common = { tag: 'task', params: KEY_PARAMS, data: NOTHING, deprecated } as const;
    app.post<{ Params: KeyParams }>(
      `${base}/execute/:key`,
      described({ ...common, summary: 'Runs a task now.' }),
      async (request) => await control(request, 'execute', 'patch', request.params.key, execute(request)),
    );
    app.post<{ Params: KeyParams }>(
      `${base}/interrupt/:key`,
      described({ ...common, summary: 'Stops the run of a task, if there is one.' }),
      async (request) => await control(request, 'interrupt', 'patch', request.params.key, interrupt(request)),
    );
    app.post<{ Params: KeyParams }>(
      `${base}/toggle/status/:key`,
      described({ ...common, summary: 'Disables an enabled task, and enables a disabled one.' }),
      async (request) => await control(request, 'toggle', 'update', request.params.key, toggle(request)),
    );
  }

  async function control(
    request: FastifyRequest,
    operation: string,
    verb: 'patch' | 'update',
    given: string,
    attempt: Attempt,
  ) {
    const found = catalogue.tasks.byId(given);
    const { namespace, name } = found?.metadata ?? { namespace: namespaces.usual, name: given };
    const change = { operation, kind: REPLICA_TASK_KIND, namespace, name } as const;
    await audited(logger, request, change, async (generations: Generations) => {
      const which = found === undefined ? {} : { name };
      await authorize(request, { verb, resource: 'replicatasks', namespace, ...which });
      if (found === undefined) throw complain('taskNotFound', given);
      const after = await edited(request, editor, REPLICA_TASK_KIND, { namespace, name }, async (live) => {
        generations.before = live.object.metadata.generation;
        return await attempt(live);
      });
      generations.after = after.metadata.generation;
    });
    return success(request, null);
  }

  function execute(request: FastifyRequest): Attempt {
    return async ({ object }) => {
      if (!isEnabled(object.spec, object.metadata.annotations)) throw complain('taskDisabled');
      if (taskState(object) === 'REPLICATING') throw complain('taskStatusInvalid', '', 'it is running');
      return await editor.annotate(REPLICA_TASK_KIND, object, { [RUN_REQUESTED_ANNOTATION]: token() }, request.ended);
    };
  }

  /** Also when no run is to be seen: one that was asked for a moment ago may begin now. */
  function interrupt(request: FastifyRequest): Attempt {
    return ({ object }) =>
      editor.annotate(REPLICA_TASK_KIND, object, { [CANCEL_REQUESTED_ANNOTATION]: token() }, request.ended);
  }

  /** Where a tool looks after `enabled`, the annotation suspends: it is no part of what the tool compares. */
  function toggle(request: FastifyRequest): Attempt {
    return async (live) => {
      const { object } = live;
      const { spec, metadata } = object;
      const enable = !isEnabled(spec, metadata.annotations);
      const owner = live.ownerOf(['spec', 'enabled']);
      if (owner === undefined) return await setEnabled(request, object, enable);
      if (enable && !spec.enabled) throw owned(object, owner, 'spec.enabled');
      const annotations = { [SUSPENDED_ANNOTATION]: enable ? null : 'true' };
      return await editor.annotate(REPLICA_TASK_KIND, object, annotations, request.ended);
    };
  }

  function setEnabled(
    request: FastifyRequest,
    object: ReplicaTask,
    enabled: boolean,
  ): Promise<EditOutcome<'ReplicaTask'>> {
    const annotations = {
      [MODIFIED_BY_ANNOTATION]: request.user.name,
      ...(enabled ? { [SUSPENDED_ANNOTATION]: null } : {}),
    };
    const spec = { ...object.spec, enabled };
    return editor.replaceSpec(REPLICA_TASK_KIND, object, { spec, annotations }, request.ended);
  }

  /** Never used before: two requests are two requests. */
  function token(): string {
    return `rest-${new Date(clock.now()).toISOString()}-${randomHex(4)}`;
  }
}
