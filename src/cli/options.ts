/** Options that several commands have; each means the same everywhere. */
import type { OptionSpecs } from './command.ts';

export const CONFIG_OPTION = {
  config: { type: 'string', value: 'FILE', summary: "the installation's configuration file" },
} as const satisfies OptionSpecs;

export const STANDALONE_OPTIONS = {
  dir: { type: 'string', value: 'DIR', summary: 'of a standalone installation: its directory of YAML files' },
  state: { type: 'string', value: 'DIR', summary: 'of a standalone installation: its directory of state' },
} as const satisfies OptionSpecs;

export const LOG_OPTION = {
  'log-format': {
    type: 'string',
    value: 'FORMAT',
    choices: ['json', 'text', 'pretty'],
    summary: 'form of the log (default json as operator, else text)',
  },
} as const satisfies OptionSpecs;

/** Where resources are: as kubectl users expect, or a standalone installation's directories. */
export const RESOURCE_OPTIONS = {
  kubeconfig: {
    type: 'string',
    value: 'FILE',
    summary: 'kubeconfig file; default: KUBECONFIG, ~/.kube/config, the pod',
  },
  context: { type: 'string', value: 'NAME', summary: 'context of that file other than its current one' },
  namespace: { type: 'string', short: 'n', value: 'NAME', summary: 'namespace; default: that of the context' },
  ...STANDALONE_OPTIONS,
  ...CONFIG_OPTION,
} as const satisfies OptionSpecs;

export const ALL_NAMESPACES_OPTION = {
  'all-namespaces': { type: 'boolean', short: 'A', summary: 'all namespaces' },
} as const satisfies OptionSpecs;

export const OUTPUT_OPTION = {
  output: {
    type: 'string',
    short: 'o',
    value: 'FORMAT',
    choices: ['table', 'json', 'yaml'],
    summary: 'form of the output (default table)',
  },
} as const satisfies OptionSpecs;

export const WAIT_OPTIONS = {
  wait: { type: 'boolean', summary: 'wait for the end; with a progress bar on a terminal' },
  timeout: { type: 'string', value: 'SECONDS', summary: 'wait no longer; default: as long as it takes' },
} as const satisfies OptionSpecs;
