/** What any answer of a server tells without credentials: its clock (header `Date`) and its serving certificate. */
import http from 'node:http';
import https from 'node:https';
import type { TLSSocket } from 'node:tls';

import type { Clock } from '../../lib/clock.ts';

export interface Greeting {
  /** Milliseconds by which its clock is ahead; whole seconds matter only. Undefined = no such header. */
  readonly skewMs?: number;
  /** Until when its certificate is valid. */
  readonly certificate?: Date;
}

/** `Date` counts whole seconds: the middle of the one that it names is the best guess. Milliseconds. */
const HALF_A_SECOND = 500;

/**
 * Sends one HEAD without credentials; an address that refuses connections gives an empty greeting. The certificate is
 * only read, not judged: whether it is trusted is what the probe has shown.
 */
export function greet(url: string, clock: Clock, signal: AbortSignal): Promise<Greeting> {
  const secure = url.startsWith('https:');
  const begun = clock.now();
  return new Promise((resolve, reject) => {
    const options = { method: 'HEAD', signal, rejectUnauthorized: false, agent: false } as const;
    const request = (secure ? https : http).request(url, options, (answer) => {
      const date = Date.parse(answer.headers.date ?? '');
      const validTo = secure ? (answer.socket as TLSSocket).getPeerX509Certificate()?.validToDate : undefined;
      answer.resume();
      resolve({
        ...(Number.isNaN(date) ? {} : { skewMs: date + HALF_A_SECOND - (begun + clock.now()) / 2 }),
        ...(validTo === undefined ? {} : { certificate: validTo }),
      });
    });
    request.once('error', () => (signal.aborted ? reject(signal.reason) : resolve({})));
    request.end();
  });
}
