import type { IncomingMessage } from 'node:http';

/**
 * Runs the reading of a request's body; gives it up when the connection shows no byte for `stallTimeoutMs`. There is no
 * limit on the whole: a large blob over a thin line takes its time.
 */
export async function withStallLimit<T>(
  request: IncomingMessage,
  stallTimeoutMs: number,
  read: () => Promise<T>,
): Promise<T> {
  const { socket } = request;
  const onTimeout = (): void => {
    request.destroy(new Error(`no byte arrived for ${stallTimeoutMs} ms`));
  };
  socket.setTimeout(stallTimeoutMs);
  socket.on('timeout', onTimeout);
  try {
    return await read();
  } finally {
    socket.off('timeout', onTimeout);
    socket.setTimeout(0);
  }
}
