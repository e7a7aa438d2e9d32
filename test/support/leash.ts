import { spawn } from 'node:child_process';
import { birthOf } from './assets/lock.ts';

/*
 * No server outlives the program that started it, also when that program is killed: a small shell waits for its standard
 * input to end, which happens when we are gone, and then kills the server and removes its directory.
 */

/** $1 pid, $2 its birth, $3 directory or empty. Waiting is `read`, which costs nothing. */
const SCRIPT = `
trap '' INT TERM HUP
read -r released
if [ "$released" = released ]; then exit 0; fi
if [ -z "$2" ] || [ "$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20)" = "$2" ]; then
  kill -KILL "$1" 2>/dev/null
fi
if [ -n "$3" ]; then sleep 1; rm -rf "$3"; fi
`;

/** Ties a process, and a directory if one is named, to the life of this program. Answers with the way to let go. */
export async function leash(pid: number, directory = ''): Promise<() => void> {
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'leash', String(pid), await birthOf(pid), directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.on('error', (error) => {
    throw error;
  });
  shell.stdin.on('error', () => undefined);
  shell.unref();
  let held = true;
  return () => {
    if (held) shell.stdin.end('released\n');
    held = false;
  };
}
