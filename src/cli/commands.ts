/** The table of commands: help, completion and docs/cli.md are made from it, or compared with it. */
import type { Command } from './command.ts';
import {
  ALL_NAMESPACES_OPTION,
  CONFIG_OPTION,
  LOG_OPTION,
  OUTPUT_OPTION,
  RESOURCE_OPTIONS,
  STANDALONE_OPTIONS,
  WAIT_OPTIONS,
} from './options.ts';

const SERVERS: readonly Command[] = [
  {
    name: 'operator',
    summary: 'serves Cluster and ReplicaTask resources of a Kubernetes cluster',
    options: { ...CONFIG_OPTION, ...LOG_OPTION },
    examples: [{ line: 'operator --config /etc/bkrepo-replicator/config.yaml', shows: 'as the Deployment starts it' }],
    exitCodes: { 1: 'failed; a lost lease is a failure' },
    serves: true,
    load: () => import('./serve.ts'),
  },
  {
    name: 'standalone',
    summary: 'serves the same resources from the YAML files of a directory; keeps its state in another',
    options: { ...STANDALONE_OPTIONS, ...CONFIG_OPTION, ...LOG_OPTION },
    examples: [
      {
        line: 'standalone --dir /srv/replication --state /var/lib/bkrepo-replicator --config config.yaml',
        shows: 'replicate without Kubernetes',
      },
    ],
    serves: true,
    load: () => import('./serve.ts'),
  },
  {
    name: 'peer',
    summary: 'is a far side: receives over a bk-repo database and store of its own',
    options: {
      faithful: { type: 'boolean', summary: 'reproduce the defects of real servers' },
      host: { type: 'string', value: 'HOST', summary: 'address to listen on' },
      port: { type: 'string', value: 'PORT', summary: 'port to listen on; 0 is chosen by the system' },
      store: { type: 'string', value: 'DIR', summary: 'root of the file-system store' },
      ...CONFIG_OPTION,
      ...LOG_OPTION,
    },
    examples: [{ line: 'peer --port 8080 --store /srv/store --config peer.yaml', shows: 'receive on port 8080' }],
    serves: true,
    load: () => import('./serve.ts'),
  },
];

const TASK = { args: 'TASK', arity: [1, 1] } as const;
const RUN_RESULT = { 1: 'failed; with --wait: the run did not succeed, or the time was over' } as const;

const TASKS: readonly Command[] = [
  {
    name: 'status',
    summary: 'shows tasks and clusters: state, progress, lag, last and next run',
    args: '[TASK]',
    arity: [0, 1],
    description: `TASK is NAME or NAMESPACE/NAME; of one task far sides, conditions and the last runs are shown, too.
With --watch a terminal is redrawn once a second; into a pipe goes a line for all that changes.`,
    options: {
      ...RESOURCE_OPTIONS,
      ...ALL_NAMESPACES_OPTION,
      ...OUTPUT_OPTION,
      watch: { type: 'boolean', short: 'w', summary: 'go on showing until interrupted' },
    },
    examples: [
      { line: 'status -A', shows: 'tasks and clusters of all namespaces' },
      { line: 'status nightly -n shop', shows: 'all about one task' },
      { line: 'status -n shop --watch', shows: 'watch the tasks of a namespace' },
      {
        line: 'status --state /var/lib/bkrepo-replicator -o json',
        shows: 'of a standalone installation, for a program',
      },
    ],
    load: () => import('./status.ts'),
  },
  {
    name: 'run',
    summary: 'runs a task now',
    ...TASK,
    description: `Asks by the annotation replication.bkrepo.io/run-requested; behind an active run it waits for its turn.
A task that follows its source (REAL_TIME) compares all of it.`,
    options: { ...RESOURCE_OPTIONS, ...WAIT_OPTIONS },
    examples: [{ line: 'run nightly -n shop --wait', shows: 'run and wait; the exit code tells the result' }],
    exitCodes: RUN_RESULT,
    load: () => import('./run.ts'),
  },
  {
    name: 'cancel',
    summary: 'cancels the active run of a task',
    ...TASK,
    options: { ...RESOURCE_OPTIONS, ...WAIT_OPTIONS },
    examples: [{ line: 'cancel shop/nightly --wait', shows: 'cancel, and wait until the run has stopped' }],
    load: () => import('./cancel.ts'),
  },
  {
    name: 'retry',
    summary: 'runs what failed in the last run of a task again',
    ...TASK,
    options: { ...RESOURCE_OPTIONS, ...WAIT_OPTIONS },
    examples: [{ line: 'retry nightly -n shop --wait --timeout 600', shows: 'retry, and wait ten minutes at most' }],
    exitCodes: RUN_RESULT,
    load: () => import('./retry.ts'),
  },
  {
    name: 'suspend',
    summary: 'keeps a task from running, without touching its spec',
    ...TASK,
    description: 'An active run is stopped. Set by the annotation replication.bkrepo.io/suspended.',
    options: { ...RESOURCE_OPTIONS, ...WAIT_OPTIONS },
    examples: [{ line: 'suspend nightly -n shop', shows: 'no runs until it is resumed' }],
    load: () => import('./suspension.ts'),
  },
  {
    name: 'resume',
    summary: 'lets a suspended task run again',
    ...TASK,
    options: { ...RESOURCE_OPTIONS, ...WAIT_OPTIONS },
    examples: [{ line: 'resume nightly -n shop', shows: 'as before it was suspended' }],
    load: () => import('./suspension.ts'),
  },
];

const OTHERS: readonly Command[] = [
  {
    name: 'doctor',
    summary: 'checks every prerequisite of an installation, and says what to do',
    description: `Give it the configuration and the environment of the installation; in its Pod both are there:
  kubectl -n bkrepo-replicator-system exec deploy/bkrepo-replicator -- \\
    /nodejs/bin/node /app/dist/main.js doctor --config /etc/bkrepo-replicator/config.yaml
Elsewhere --service-account asks about the operator's rights instead of your own. With -n only the Clusters of that
namespace are looked at. Passwords are never printed.`,
    options: {
      ...RESOURCE_OPTIONS,
      ...OUTPUT_OPTION,
      'service-account': {
        type: 'string',
        value: 'NAMESPACE/NAME',
        summary: "whose rights are looked at; default: the caller's",
      },
    },
    examples: [
      {
        line: 'doctor --config config.yaml --service-account bkrepo-replicator-system/bkrepo-replicator',
        shows: "an operator's prerequisites, its own rights among them",
      },
      {
        line: 'doctor --dir /srv/replication --state /var/lib/bkrepo-replicator --config config.yaml',
        shows: 'of a standalone installation, also while it runs',
      },
    ],
    exitCodes: { 1: 'something is not as it must be' },
    load: () => import('./doctor.ts'),
  },
  {
    name: 'records',
    summary: 'shows the runs of a task, or the artifacts of a run, from the journal',
    ...TASK,
    description: `Needs the journal's connection string (journal.mongodb.uri, or BKREPO_REPLICATOR_JOURNAL_MONGODB_URI); an
account with the role read is enough. The task need not exist any more.`,
    options: {
      run: { type: 'string', value: 'ID', summary: 'the artifacts of this run; last is the newest' },
      failed: { type: 'boolean', summary: 'only what failed' },
      limit: { type: 'string', value: 'NUMBER', summary: 'most lines, newest first (default 100)' },
      ...RESOURCE_OPTIONS,
      ...OUTPUT_OPTION,
    },
    examples: [
      { line: 'records nightly -n shop', shows: 'the last runs' },
      { line: 'records nightly -n shop --run last --failed', shows: 'what failed in the newest run, and why' },
    ],
    load: () => import('./records.ts'),
  },
  {
    name: 'uninstall',
    summary: 'takes the finalizers of an installation off its Clusters, so that nothing is stuck when it is removed',
    description: `To be used when the operator has been stopped: waits until its lease is free. Clusters of other installations
(instance, watchNamespaces, status.servedBy) are left alone; it may be repeated. Needs the rights of the operator's
ServiceAccount: get on its Lease, list and patch on clusters.replication.bkrepo.io.`,
    options: {
      timeout: { type: 'string', value: 'SECONDS', summary: 'wait no longer for the operator to stop (default 60)' },
      ...CONFIG_OPTION,
    },
    examples: [{ line: 'uninstall --config config.yaml', shows: 'with the configuration of the operator' }],
    exitCodes: { 1: 'an operator still leads, or a Cluster could not be released' },
    load: () => import('./uninstall.ts'),
  },
  {
    name: 'completion',
    summary: 'prints a completion script for a shell',
    args: 'bash|zsh|fish',
    arity: [1, 1],
    argument: ['bash', 'zsh', 'fish'],
    options: {},
    examples: [{ line: 'completion bash > /etc/bash_completion.d/bkrepo-replicator', shows: 'for all users of bash' }],
    load: () => import('./completion.ts'),
  },
  {
    name: 'config',
    summary: 'prints every configuration key with its default',
    options: { markdown: { type: 'boolean', summary: 'as documentation (docs/configuration.md)' } },
    examples: [{ line: 'config', shows: 'a configuration file to begin with' }],
    load: () => import('./print-config.ts'),
  },
  {
    name: 'help',
    summary: 'tells what a command does, with its options, examples and exit codes',
    args: '[COMMAND]',
    arity: [0, 1],
    argument: 'command',
    options: { markdown: { type: 'boolean', summary: 'of all commands, as documentation (docs/cli.md)' } },
    examples: [{ line: 'help config', shows: 'the same as config --help' }],
    load: () => import('./help.ts'),
  },
];

export const COMMANDS: readonly Command[] = [...SERVERS, ...TASKS, ...OTHERS];

export function findCommand(name: string): Command | undefined {
  return COMMANDS.find((command) => command.name === name);
}
