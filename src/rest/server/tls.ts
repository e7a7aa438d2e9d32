/** Certificate and key from files that somebody else renews (cert-manager, a mounted Secret). */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';

export interface TlsPair {
  /** PEM; the chain may follow. */
  readonly cert: string;
  readonly key: string;
}

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export const TLS_OPTIONS = {
  minVersion: 'TLSv1.2',
  handshakeTimeout: 10_000,
} as const satisfies SecureContextOptions & {
  handshakeTimeout: number;
};

/** Between two looks at the files: their notifications do not survive the symlink swap of a mounted Secret. */
const LOOK_MS = 5_000;

export class TlsFilesError extends Error {
  readonly code = 'TlsFiles';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TlsFilesError';
  }
}

/** Fails with `TlsFilesError` when a file cannot be read, is no PEM, or the two do not belong together. */
export async function readTlsPair({ certFile, keyFile }: TlsFiles): Promise<TlsPair> {
  const pair = { cert: await readPem(certFile), key: await readPem(keyFile) };
  try {
    // An empty text would pass as "none".
    if (!new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key)))
      throw new TlsFilesError('the key is of another certificate');
    createSecureContext(pair);
  } catch (error) {
    // The words are OpenSSL's, about the form of the files; they hold nothing of the key.
    const reason = error instanceof Error ? error.message : String(error);
    throw new TlsFilesError(`${certFile} and ${keyFile} are no pair of certificate and key: ${reason}`);
  }
  return pair;
}

async function readPem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new TlsFilesError(`${file} cannot be read (${code})`);
  }
}

export interface TlsWatchOptions {
  readonly files: TlsFiles;
  /** What is in use at the start. */
  readonly present: TlsPair;
  readonly apply: (pair: TlsPair) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Looks at the files every five seconds and applies a pair that is new, until `signal` is aborted. A pair that is
 * broken (half-written, or one of the two not there yet) is told once, and the one in use stays.
 */
export async function watchTlsFiles(options: TlsWatchOptions, signal: AbortSignal): Promise<void> {
  const { files, clock, logger } = options;
  let { present } = options;
  let trouble: string | undefined;
  while (!signal.aborted) {
    await clock.sleep(LOOK_MS, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      const pair = await readTlsPair(files);
      if (pair.cert !== present.cert || pair.key !== present.key) {
        options.apply(pair);
        present = pair;
        logger.info('TLS certificate renewed', { certFile: files.certFile });
      }
      trouble = undefined;
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      if (words !== trouble) logger.error('the new TLS certificate cannot be used, the old one stays', { error });
      trouble = words;
    }
  }
}
