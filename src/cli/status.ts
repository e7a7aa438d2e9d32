/**
 * `status [TASK]`: tasks and clusters as their statuses say. With `--watch` a terminal is redrawn once a second; into a
 * pipe go whole lines, of what changed alone.
 */
import type { Cluster } from '../api/cluster.gen.ts';
import type { ReplicaTask } from '../api/replica-task.gen.ts';
import { type CommandContext, CommandFailed, EXIT, flag } from './command.ts';
import { looks } from './looking.ts';
import { machineText, outputFormat, plain, printAs, tableText } from './output.ts';
import { openResources, presentTask, type Resources, taskKeyOf } from './resources.ts';
import { taskDetail } from './task-detail.ts';
import { type ClusterView, clusterColumns, clusterView, type TaskView, taskColumns, taskView } from './task-view.ts';
import { clippedTo, columnsOf } from './text.ts';

interface Snapshot {
  readonly tasks: readonly ReplicaTask[];
  readonly clusters: readonly Cluster[];
}

/** Milliseconds between two looks with `--watch`. */
const INTERVAL_MS = 1_000;
/** Moves a terminal's cursor home, and clears what is below. */
const HOME = '\u001b[H';
const CLEAR_BELOW = '\u001b[J';
const CLEAR_LINE = '\u001b[K';

export async function run(context: CommandContext, stop: AbortSignal): Promise<number> {
  const resources = await openResources(context);
  try {
    const look = lookOf(context, resources, stop);
    if (flag(context, 'watch')) await watch(context, resources, look, stop);
    else printOnce(context, resources, await look());
    return EXIT.done;
  } finally {
    await resources.close();
  }
}

function lookOf({ args: [name] }: CommandContext, resources: Resources, stop: AbortSignal): () => Promise<Snapshot> {
  if (name !== undefined) {
    const key = taskKeyOf(name, resources.namespace);
    return async () => ({ tasks: [await presentTask(resources, key, stop)], clusters: [] });
  }
  return async () => {
    const [tasks, clusters] = await Promise.all([resources.list('ReplicaTask', stop), resources.list('Cluster', stop)]);
    return { tasks, clusters };
  };
}

function printOnce(context: CommandContext, resources: Resources, { tasks, clusters }: Snapshot): void {
  const data = { tasks: tasks.map(taskView), clusters: clusters.map(clusterView) };
  // Of one task a program gets all that is known.
  const [task] = tasks;
  const one = context.args.length > 0 && task !== undefined;
  printAs(context, one ? { ...taskView(task), status: task.status } : data, () =>
    textOf(context, resources, { tasks, clusters }),
  );
}

function textOf({ args, clock }: CommandContext, { namespace }: Resources, { tasks, clusters }: Snapshot): string {
  const [task] = tasks;
  if (args.length > 0 && task !== undefined) return taskDetail(task, clock.now());
  const all = namespace === undefined;
  const where = all ? 'any namespace' : `namespace ${namespace}`;
  if (tasks.length === 0 && clusters.length === 0) return `no ReplicaTasks and no Clusters in ${where}\n`;
  const shownTasks =
    tasks.length === 0
      ? `no ReplicaTasks in ${where}\n`
      : tableText(taskColumns(all, clock.now()), tasks.map(taskView));
  if (clusters.length === 0) return shownTasks;
  return `${shownTasks}\n${tableText(clusterColumns(all), clusters.map(clusterView))}`;
}

async function watch(
  context: CommandContext,
  resources: Resources,
  look: () => Promise<Snapshot>,
  stop: AbortSignal,
): Promise<void> {
  const lines = new ChangedLines(context);
  const redraws = context.stdout.isTTY === true && outputFormat(context) === 'table';
  for await (const snapshot of looks(context, look, INTERVAL_MS, stop)) {
    if (redraws) redraw(context, textOf(context, resources, snapshot));
    else lines.print(snapshot);
  }
  throw new CommandFailed('nothing is to be watched any more');
}

/** What does not fit is left out: it would scroll, and the next screen begin in its middle. */
function redraw({ stdout }: CommandContext, text: string): void {
  const rows = stdout.rows === undefined || stdout.rows <= 0 ? undefined : stdout.rows;
  const lines = text.trimEnd().split('\n').slice(0, rows);
  const drawn = lines.map((line) => clippedTo(columnsOf(stdout), line) + CLEAR_LINE);
  stdout.write(HOME + drawn.join('\n') + CLEAR_BELOW);
}

/** One line for each task and cluster at first, and then for each that is not as it was. */
class ChangedLines {
  readonly #context: CommandContext;
  readonly #before = new Map<string, string>();

  constructor(context: CommandContext) {
    this.#context = context;
  }

  print({ tasks, clusters }: Snapshot): void {
    const views = [
      ...tasks.map((task) => ({ kind: 'ReplicaTask' as const, ...taskView(task) })),
      ...clusters.map((cluster) => ({ kind: 'Cluster' as const, ...clusterView(cluster) })),
    ];
    const present = new Set<string>();
    for (const view of views) {
      const id = `${view.kind} ${view.namespace}/${view.name}`;
      present.add(id);
      const text = JSON.stringify(view);
      if (this.#before.get(id) !== text) this.#tell(view, id);
      this.#before.set(id, text);
    }
    for (const id of this.#before.keys()) {
      if (present.has(id)) continue;
      this.#before.delete(id);
      const [kind = '', name = ''] = id.split(' ');
      this.#tell({ kind, state: 'Deleted', namespace: name.split('/')[0] ?? '', name: name.split('/')[1] ?? '' }, id);
    }
  }

  #tell(view: Partial<TaskView & ClusterView> & { readonly kind: string }, id: string): void {
    const { clock, stdout } = this.#context;
    const format = outputFormat(this.#context);
    if (format === 'json') stdout.write(`${JSON.stringify(view)}\n`);
    else if (format === 'yaml') stdout.write(`---\n${machineText('yaml', view)}`);
    else {
      const { state, health, reason, progress, lag } = view;
      const words = [state ?? health, reason, progress, lag === undefined ? undefined : `lag ${lag}`];
      const text = words.filter((word) => word !== undefined && word !== '').join('  ');
      stdout.write(`${new Date(clock.now()).toISOString()}  ${id}  ${plain(text)}\n`);
    }
  }
}
