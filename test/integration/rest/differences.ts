/** Where the shim answers otherwise than bk-repo does, on purpose. */

export interface Difference {
  /** Which captured exchange it is about: its file and its title. */
  readonly capture: 'cluster' | 'task' | 'runonce' | 'realtime';
  readonly title: string;
  /** `STATUS CODE` of bk-repo and of the shim, where they differ. */
  readonly theirs?: string;
  readonly ours?: string;
  /** Fields of `data` that only bk-repo has (`-`) or only the shim (`+`). */
  readonly fields?: readonly string[];
  readonly reason: string;
}

const SEED_DOCUMENT = "the API document of bk-repo's seed shows it so; no version of bk-repo ever served it";
const SIGNED = 'requests are not signed: the shim says so at once instead of storing what it could not use';
const ONCE = 'a caller that did not get its answer may ask again: the same name with the same content is that task';
const RUN_ONCE = 'RUN_ONCE is not offered: a SCHEDULED task that runs immediately does the same';

export const DIFFERENCES: readonly Difference[] = [
  {
    capture: 'cluster',
    title: 'tryConnect GET',
    theirs: '405 250112',
    ours: '200 0',
    reason: SEED_DOCUMENT,
  },
  {
    capture: 'cluster',
    title: 'tryConnect POST json body',
    theirs: '400 250103',
    ours: '200 0',
    reason: 'the name is taken from query, form or JSON body, whichever has it',
  },
  {
    capture: 'cluster',
    title: 'create cluster with appId/accessKey/secretKey (request signing)',
    theirs: '200 0',
    ours: '400 250105',
    reason: SIGNED,
  },
  {
    capture: 'cluster',
    title: 'create cluster with wrong secretKey',
    theirs: '400 250301',
    ours: '400 250105',
    reason: SIGNED,
  },
  { capture: 'task', title: 'create duplicate name', theirs: '400 250107', ours: '200 0', reason: ONCE },
  {
    capture: 'task',
    title: 'create: 5-field cron',
    theirs: '400 250105',
    ours: '200 0',
    reason: 'cron expressions of five fields, as Kubernetes and Unix write them, are accepted beside those of Quartz',
  },
  {
    capture: 'task',
    title: 'create: executionPlan cron but no executionStrategy (default IMMEDIATELY)',
    theirs: '400 250105',
    ours: '200 0',
    reason: "the body of bk-repo's seed has no executionStrategy, so it is derived from executionPlan",
  },
  { capture: 'task', title: 'create at doc path //api/task/create', theirs: '400 250107', ours: '200 0', reason: ONCE },
  {
    capture: 'task',
    title: 'create at seed doc path /api/task/cluster',
    theirs: '404 250130',
    ours: '200 0',
    reason: `${SEED_DOCUMENT} (and the task is there already: ${ONCE})`,
  },
  {
    capture: 'task',
    title: 'execute right after toggle (job perhaps not loaded)',
    theirs: '400 250307',
    ours: '200 0',
    reason: 'there is no time in which a task is not loaded yet: a request is a part of the resource',
  },
  {
    capture: 'task',
    title: 'update',
    theirs: '200 0',
    ours: '400 250308',
    reason: 'follows from the execution just before, which bk-repo refused: a task that has run is not updated',
  },
  { capture: 'runonce', title: 'create RUN_ONCE', theirs: '200 0', ours: '400 250105', reason: RUN_ONCE },
  {
    capture: 'runonce',
    title: 'execute RUN_ONCE',
    theirs: '400 250303',
    ours: '400 250310',
    reason: `${RUN_ONCE}, so there is no such task`,
  },
  {
    capture: 'runonce',
    title: 'info',
    theirs: '200 0',
    ours: '400 250310',
    reason: `${RUN_ONCE}, so there is no such task`,
  },
];

/** The row of the table in docs/rest.md. */
export function documented({ title, theirs, ours, fields = [], reason }: Difference): string {
  const changed = fields.map((field) => `\`${field}\``).join(', ');
  const answers = theirs === undefined ? [changed, ''] : [theirs, ours ?? ''];
  return `| ${[title, ...answers, reason].join(' | ')} |`;
}
