/** `help [COMMAND]`: what `--help` says; with `--markdown` all of it, as docs/cli.md. */
import { type CommandContext, EXIT, flag, UsageError } from './command.ts';
import { COMMANDS, findCommand } from './commands.ts';
import { cliMarkdown } from './markdown.ts';
import { commandUsage, programUsage } from './usage.ts';

export async function run(context: CommandContext): Promise<number> {
  const {
    args: [name],
    programName,
    stdout,
  } = context;
  if (flag(context, 'markdown')) {
    stdout.write(cliMarkdown(COMMANDS));
    return EXIT.done;
  }
  const command = name === undefined ? undefined : findCommand(name);
  if (name !== undefined && command === undefined) throw new UsageError(`there is no command ${name}`);
  stdout.write(command === undefined ? programUsage(programName, COMMANDS) : commandUsage(programName, command));
  return EXIT.done;
}
