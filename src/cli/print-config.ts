/** `config`: the keys of the configuration, as a file or as documentation. */
import { configMarkdown, configYaml } from '../config-document.ts';
import { type CommandContext, EXIT, flag } from './command.ts';

export async function run(context: CommandContext): Promise<number> {
  context.stdout.write(flag(context, 'markdown') ? configMarkdown() : configYaml());
  return EXIT.done;
}
