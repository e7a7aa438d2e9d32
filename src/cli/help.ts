/** `help [COMMAND]` */
import { type CommandContext, EXIT, UsageError } from './command.ts';
import { COMMANDS, findCommand } from './commands.ts';
import { commandUsage, programUsage } from './usage.ts';

export async function run({ args: [name], programName, stdout }: CommandContext): Promise<number> {
  const command = name === undefined ? undefined : findCommand(name);
  if (name !== undefined && command === undefined) throw new UsageError(`there is no command ${name}`);
  stdout.write(command === undefined ? programUsage(programName, COMMANDS) : commandUsage(programName, command));
  return EXIT.done;
}
