/** The table of commands: help, completion and docs/cli.md are made from it, or compared with it. */
import type { Command } from './command.ts';
import { CONFIG_OPTION, STANDALONE_OPTIONS } from './options.ts';

const SERVERS: readonly Command[] = [
  {
    name: 'operator',
    summary: 'serves Cluster and ReplicaTask resources of a Kubernetes cluster',
    options: CONFIG_OPTION,
    examples: [{ line: 'operator --config /etc/bkrepo-replicator/config.yaml', shows: 'as the Deployment starts it' }],
    exitCodes: { 1: 'failed; a lost lease is a failure' },
    load: () => import('./serve.ts'),
  },
  {
    name: 'standalone',
    summary: 'serves the same resources from the YAML files of a directory; keeps its state in another',
    options: { ...STANDALONE_OPTIONS, ...CONFIG_OPTION },
    examples: [
      {
        line: 'standalone --dir /srv/replication --state /var/lib/bkrepo-replicator --config config.yaml',
        shows: 'replicate without Kubernetes',
      },
    ],
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
    },
    examples: [{ line: 'peer --port 8080 --store /srv/store --config peer.yaml', shows: 'receive on port 8080' }],
    load: () => import('./serve.ts'),
  },
];

const OTHERS: readonly Command[] = [
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
    completes: 'command',
    options: {},
    examples: [{ line: 'help config', shows: 'the same as config --help' }],
    load: () => import('./help.ts'),
  },
];

export const COMMANDS: readonly Command[] = [...SERVERS, ...OTHERS];

export function findCommand(name: string): Command | undefined {
  return COMMANDS.find((command) => command.name === name);
}
