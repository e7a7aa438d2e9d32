/** docs/cli.md, made from the table of commands: `help --markdown > docs/cli.md`. */
import type { Command } from './command.ts';
import { exitCodesOf, optionRows } from './usage.ts';

const PROGRAM = 'bkrepo-replicator';

const INTRODUCTION = `# Command line

<!-- Made by \`bkrepo-replicator help --markdown\`: change src/cli/. -->

\`bkrepo-replicator COMMAND [options]\` is the operator itself, and a tool for people. \`bkrepo-replicator help COMMAND\` (or
\`COMMAND --help\`) tells what is told here. As a plugin of kubectl it is \`kubectl bkrepo COMMAND\`: \`npm\` installs a file
\`kubectl-bkrepo\` beside \`bkrepo-replicator\`; by hand, link that name to the program in a directory of the \`PATH\`. kubectl
hands its plugin only what stands behind its name: \`kubectl bkrepo status --context staging\`, not the other way round.

**Where.** Commands about tasks use the Kubernetes API with your own rights: KUBECONFIG, \`--kubeconfig\`, \`--context\` and
\`-n\` mean what they mean to kubectl, and without \`-n\` the context's namespace counts. Of a standalone installation name the
directory of state: \`--state\`. Requests are left there, and carried out at once by the process that runs, or by the next one.

**TASK** is \`NAME\`, or \`NAMESPACE/NAME\`.

**What is needed.** \`status\`: get and list of clusters and replicatasks. \`run\`, \`retry\`, \`cancel\`, \`suspend\`, \`resume\`: get and
patch of replicatasks. The ClusterRoles \`view\` and \`edit\` have that once the shipped base is installed. \`records\`: an account with
the role \`read\` on the journal's database. Commands that need the configuration take the same file and environment variables
as the operator (configuration.md).

**Output.** \`-o table\` is for people, and may change; \`-o json\` and \`-o yaml\` are for programs. Messages and progress bars go to
standard error; bars are drawn on a terminal only. With \`status --watch\` a terminal is redrawn, and a pipe gets a line (with
\`-o json\`, an object) for each thing that changes.

## Exit codes

`;

export function cliMarkdown(commands: readonly Command[]): string {
  const general = `${exitCodeTable()}
Where a code means something of its own, the command says so below. A second Ctrl-C ends the program at once, with 1.
`;
  const list = commands.map(({ name, summary }) => `| [\`${name}\`](#${name}) | ${escaped(summary)} |\n`).join('');
  const table = `## Commands\n\n| Command | |\n| --- | --- |\n${list}`;
  return [INTRODUCTION + general, table, ...commands.map(commandText)].join('\n');
}

function commandText(command: Command): string {
  const { name, args, summary, description, examples, exitCodes } = command;
  const options = optionRows(command).map(([option, meaning]) => `| \`${escaped(option)}\` | ${escaped(meaning)} |\n`);
  const lines = examples.map(({ line, shows }) => `# ${shows}\n${PROGRAM} ${line}\n`).join('');
  const parts = [
    `### ${name}\n`,
    `\`${[PROGRAM, name, args, options.length === 0 ? undefined : '[options]'].filter((part) => part !== undefined).join(' ')}\`\n`,
    `${sentence(summary)}\n`,
    ...(description === undefined ? [] : [`${escaped(paragraphs(description))}\n`]),
    ...(options.length === 0 ? [] : [`| Option | |\n| --- | --- |\n${options.join('')}`]),
    ...(lines === '' ? [] : [`\`\`\`sh\n${lines}\`\`\`\n`]),
    ...(exitCodes === undefined ? [] : [`Exit codes of its own: ${ownCodes(exitCodes)}.\n`]),
  ];
  return parts.join('\n');
}

/** Indented lines are commands. */
function paragraphs(description: string): string {
  return description
    .trim()
    .replaceAll(/(?:^ {2}.*\n?)+/gm, (lines) => `\n\`\`\`sh\n${lines.replaceAll(/^ {2}/gm, '')}\`\`\`\n\n`);
}

function ownCodes(exitCodes: Readonly<Record<number, string>>): string {
  return Object.entries(exitCodes)
    .map(([code, meaning]) => `${code} = ${meaning}`)
    .join('; ');
}

function exitCodeTable(): string {
  const rows = exitCodesOf({}).map(([code, meaning]) => `| ${code} | ${meaning} |\n`);
  return `| Code | Meaning |\n| --- | --- |\n${rows.join('')}`;
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '\\<');
}
