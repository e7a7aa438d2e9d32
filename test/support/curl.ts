import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** An answer of the REST API, as its envelope. */
export interface CurlAnswer<T = unknown> {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly code: number;
  readonly message: string | null;
  readonly data: T;
}

/** Sends a request by the real curl, with its own ways of writing requests. @throws {Error} in words without curl */
export async function curl<T = unknown>(...args: readonly string[]): Promise<CurlAnswer<T>> {
  // --disable: without what the user's .curlrc says.
  const own = ['--disable', '-sS', '--noproxy', '*', '--max-time', '60', '-i'];
  const { stdout } = await promisify(execFile)('curl', [...own, ...args]).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new Error('curl is not on PATH: install it (apt-get install curl); requests are sent by the real one', {
      cause: error,
    });
  });
  const end = stdout.indexOf('\r\n\r\n');
  const [line = '', ...rest] = stdout.slice(0, end).split('\r\n');
  const headers = Object.fromEntries(
    rest.map((header) => [header.split(':', 1)[0]?.toLowerCase() ?? '', header.slice(header.indexOf(':') + 1).trim()]),
  );
  const envelope = JSON.parse(stdout.slice(end)) as Omit<CurlAnswer<T>, 'status' | 'headers'>;
  return { ...envelope, status: Number(line.split(' ')[1]), headers };
}
