/**
 * A server in front of a far side that takes as long as a real bk-repo on two cores: 60 to 75 new files a second, 100
 * nodes a second, at any concurrency, because one request waits for the other.
 */
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';

/** Milliseconds of the server's time; an upload and the node that follows it are one file. */
const NODE_MS = 10;
const UPLOAD_MS = 5;
const OTHER_MS = 2;

export async function startRealTimes(url: string): Promise<FaultProxy> {
  const proxy = await startFaultProxy(url);
  let freeAt = 0;
  proxy.setFault(({ method, url: path }) => {
    const now = performance.now();
    freeAt = Math.max(now, freeAt) + serviceMs(method, path);
    return { kind: 'hold', ms: freeAt - now };
  });
  return proxy;
}

function serviceMs(method: string, path: string): number {
  if (path.includes('/replica/node/create')) return NODE_MS;
  return path.includes('/replica/blob/') && method !== 'GET' ? UPLOAD_MS : OTHER_MS;
}
