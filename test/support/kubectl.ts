import { spawn } from 'node:child_process';

export interface KubectlOptions {
  /** Standard input, for `-f -`. */
  readonly input?: string;
  /** Act as this user (`--as`), for example `system:serviceaccount:NAMESPACE:NAME`. */
  readonly user?: string;
  /** Another kubeconfig than the administrator's. */
  readonly kubeconfig?: string;
  /** Milliseconds (60 s). */
  readonly timeoutMs?: number;
}

/** kubectl ended with something else than 0. */
export class KubectlFailed extends Error {
  readonly code = 'KUBECTL_FAILED';
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;

  constructor(args: readonly string[], exitCode: number | null, stdout: string, stderr: string) {
    super(`kubectl ${args.join(' ')} ended with ${exitCode}: ${stderr.trim() || stdout.trim()}`);
    this.exitCode = exitCode;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

/**
 * Runs the real kubectl and answers with its standard output. It neither reads nor writes the user's own settings.
 *
 * @throws {KubectlFailed}
 */
export async function runKubectl(
  program: string,
  kubeconfig: string,
  home: string,
  args: readonly string[],
  options: KubectlOptions = {},
): Promise<string> {
  const child = spawn(program, [...args, ...(options.user === undefined ? [] : [`--as=${options.user}`])], {
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      KUBECONFIG: options.kubeconfig ?? kubeconfig,
      KUBERC: 'off',
      KUBECACHEDIR: `${home}/kubectl-cache`,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 60_000,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (exitCode !== 0) throw new KubectlFailed(args, exitCode, stdout, stderr);
  return stdout;
}
