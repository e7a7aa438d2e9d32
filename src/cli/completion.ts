/** `completion bash|zsh|fish`: a script for the shell, made from the table of commands. */
import { type Command, type CommandContext, EXIT, type OptionSpec } from './command.ts';
import { COMMANDS } from './commands.ts';

const PROGRAM = 'bkrepo-replicator';

export async function run({ args: [shell], stdout }: CommandContext): Promise<number> {
  stdout.write(shell === 'zsh' ? zshScript() : shell === 'fish' ? fishScript() : bashScript());
  return EXIT.done;
}

/** What may stand behind the command's name, where that is known. */
function argumentsOf({ argument }: Command): readonly string[] {
  return argument === 'command' ? COMMANDS.map(({ name }) => name) : (argument ?? []);
}

function flagsOf({ options }: Command): readonly string[] {
  const given = Object.entries(options).flatMap(([name, { short }]) => [
    `--${name}`,
    ...(short === undefined ? [] : [`-${short}`]),
  ]);
  return [...given, '--help'];
}

function bashScript(): string {
  return `# bash completion of ${PROGRAM}: source <(${PROGRAM} completion bash)
_bkrepo_replicator() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
      -*) ;;
      *) command="$word"; break ;;
    esac
  done
  case "$previous" in
${optionCases()}  esac
  case "$command" in
    "") COMPREPLY=($(compgen -W "${COMMANDS.map(({ name }) => name).join(' ')} --help --version" -- "$current")) ;;
${COMMANDS.map((command) => `    ${command.name}) COMPREPLY=($(compgen -W "${[...argumentsOf(command), ...flagsOf(command)].join(' ')}" -- "$current")) ;;\n`).join('')}  esac
}
complete -F _bkrepo_replicator ${PROGRAM}
`;
}

/** What stands behind an option that takes a value. */
function optionCases(): string {
  const specs = new Map(COMMANDS.flatMap(({ options }) => Object.entries(options)));
  return [...specs]
    .filter(([, { type }]) => type === 'string')
    .map(([name, spec]) => `    ${namesOf(name, spec).join('|')}) ${bashValues(spec)}; return ;;\n`)
    .join('');
}

function namesOf(name: string, { short }: OptionSpec): readonly string[] {
  return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
}

function bashValues({ choices, value }: OptionSpec): string {
  if (choices !== undefined) return `COMPREPLY=($(compgen -W "${choices.join(' ')}" -- "$current"))`;
  if (value === 'FILE') return 'COMPREPLY=($(compgen -f -- "$current"))';
  return value === 'DIR' ? 'COMPREPLY=($(compgen -d -- "$current"))' : 'COMPREPLY=()';
}

function zshScript(): string {
  const cases = COMMANDS.map((command) => {
    const words = argumentsOf(command);
    const rest = words.length === 0 ? [] : [`'*:argument:(${words.join(' ')})'`];
    const options = Object.entries(command.options).flatMap(([name, spec]) =>
      namesOf(name, spec).map((flag) => quoted(`${flag}[${bracketed(spec.summary)}]${zshValue(spec)}`)),
    );
    return `    ${command.name}) _arguments ${[...options, quoted('--help[help about the command]'), ...rest].join(' ')} ;;\n`;
  });
  const names = COMMANDS.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}\n`).join('');
  return `#compdef ${PROGRAM}
# zsh completion of ${PROGRAM}: source <(${PROGRAM} completion zsh)
_bkrepo_replicator() {
  local -a commands
  commands=(
${names}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command="\${words[2]}"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join('')}  esac
}
if [ "$funcstack[1]" = "_bkrepo_replicator" ]; then
  _bkrepo_replicator "$@"
else
  compdef _bkrepo_replicator ${PROGRAM}
fi
`;
}

function zshValue({ type, choices, value }: OptionSpec): string {
  if (type === 'boolean') return '';
  if (choices !== undefined) return `:${value ?? 'value'}:(${choices.join(' ')})`;
  if (value === 'FILE') return ':file:_files';
  return value === 'DIR' ? ':directory:_files -/' : `:${value ?? 'value'}:`;
}

function bracketed(text: string): string {
  return text.replaceAll(/[[\]]/g, '').replaceAll(':', ' -');
}

function fishScript(): string {
  const lines = COMMANDS.flatMap((command) => {
    const { name, summary } = command;
    const behind = `-n '__fish_seen_subcommand_from ${name}'`;
    const words = argumentsOf(command);
    return [
      `complete -c ${PROGRAM} -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
      ...(words.length === 0 ? [] : [`complete -c ${PROGRAM} ${behind} -a ${quoted(words.join(' '))}`]),
      ...Object.entries(command.options).map(
        ([option, spec]) =>
          `complete -c ${PROGRAM} ${behind} -l ${option}${fishValue(spec)} -d ${quoted(spec.summary)}`,
      ),
    ];
  });
  return `# fish completion of ${PROGRAM}: ${PROGRAM} completion fish | source\ncomplete -c ${PROGRAM} -f\n${lines.join('\n')}\n`;
}

function fishValue({ type, short, choices, value }: OptionSpec): string {
  const brief = short === undefined ? '' : ` -s ${short}`;
  if (type === 'boolean') return brief;
  if (choices !== undefined) return `${brief} -x -a ${quoted(choices.join(' '))}`;
  return value === 'FILE' || value === 'DIR' ? `${brief} -r -F` : `${brief} -x`;
}

/** One word for a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
