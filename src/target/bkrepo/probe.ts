import { z } from 'zod';

import { ReplicationError } from '../../domain/errors.ts';
import { isMissingCall } from './answer-errors.ts';
import { BkRepoClient, ignored } from './client.ts';
import type { BkRepoTargetOptions } from './options.ts';

export interface ProbeResult {
  /** What `replica/version` says, at most 64 characters; null where the server has no such call or says nothing. */
  readonly version: string | null;
  /** Milliseconds from sending `replica/ping` to its answer, connecting included. */
  readonly latencyMs: number;
  /** The far side's zone as its answers carry it, like `+08:00`; absent when they do not. */
  readonly timeZoneOffset?: string;
}

/** Sends `replica/ping` and `replica/version` over a connection of its own. Fails like a `Target`'s methods. */
export async function probeBkRepo(options: BkRepoTargetOptions, signal: AbortSignal): Promise<ProbeResult> {
  const client = new BkRepoClient(options);
  try {
    const begun = options.clock.monotonic();
    await ping(client, signal);
    const latencyMs = options.clock.monotonic() - begun;
    const version = await readVersion(client, signal);
    const zone = client.measuredZone;
    return { version, latencyMs, ...(zone === undefined ? {} : { timeZoneOffset: zone.name }) };
  } finally {
    await client.close();
  }
}

async function ping(client: BkRepoClient, signal: AbortSignal): Promise<void> {
  try {
    await client.call({ method: 'GET', path: client.endpoints.replica(['ping']), data: ignored }, signal);
  } catch (error) {
    if (!isMissingCall(error)) throw error;
    const hint = "is the url that of bk-repo's replication service, like https://bkrepo.example.com/replication?";
    throw new ReplicationError('cluster', 'NoReplicationService', `${error.message}; ${hint}`, { cause: error });
  }
}

async function readVersion(client: BkRepoClient, signal: AbortSignal): Promise<string | null> {
  const path = client.endpoints.replica(['version']);
  try {
    const version = await client.call({ method: 'GET', path, data: z.string().nullable() }, signal);
    return version === null ? null : version.slice(0, 64);
  } catch (error) {
    if (isMissingCall(error)) return null;
    throw error;
  }
}
