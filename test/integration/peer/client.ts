/** A peer over a real mongod, and a plain HTTP client for it: requests go out exactly as they are given. */
import { createHash } from 'node:crypto';
import { type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';

import { type Db, MongoClient } from 'mongodb';

import type { PeerOptions } from '../../../src/peer/options.ts';
import { type Peer, startPeer } from '../../../src/peer/server.ts';
import { type Mongod, startMongod } from '../../support/mongod.ts';
import { makeTempDir, removeDir } from '../../support/tempdir.ts';

export const ADMIN = { username: 'admin', password: 'password', admin: true } as const;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  /** The envelope; {} when the answer is none. */
  readonly json: { readonly code?: number; readonly message?: string | null; readonly data?: unknown };
}

export interface Call {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

export function send(origin: string, method: string, path: string, call: Call = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const url = new URL(origin);
    const sent = request(
      {
        host: url.hostname,
        port: url.port,
        method,
        path,
        headers: { ...call.headers, 'content-length': String(Buffer.byteLength(call.body ?? '')) },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const bytes = Buffer.concat(chunks);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, json: asJson(bytes) });
        });
      },
    );
    sent.on('error', reject);
    sent.end(call.body);
  });
}

function asJson(bytes: Buffer): Answer['json'] {
  const text = bytes.toString('utf8');
  return text.startsWith('{') ? (JSON.parse(text) as Answer['json']) : {};
}

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

export const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
export const md5 = (bytes: Buffer | string): string => createHash('md5').update(bytes).digest('hex');

/** Peers of one test file: one mongod, a database and a store for each. */
export class PeerBed {
  readonly mongod: Mongod;
  readonly client: MongoClient;
  readonly directory: string;
  readonly #peers: Peer[] = [];

  private constructor(mongod: Mongod, client: MongoClient, directory: string) {
    this.mongod = mongod;
    this.client = client;
    this.directory = directory;
  }

  static async start(): Promise<PeerBed> {
    const mongod = await startMongod();
    // What waits for the disk is tested in durability.test.ts.
    const client = await MongoClient.connect(mongod.uri, { writeConcern: { w: 1, j: false } });
    return new PeerBed(mongod, client, await makeTempDir('peer'));
  }

  async peer(name: string, options: Partial<PeerOptions> = {}): Promise<PeerSide> {
    const db = this.client.db(name);
    const storePath = options.storePath ?? join(this.directory, name);
    const peer = await startPeer({ mongo: db, users: [ADMIN], ...options, storePath });
    this.#peers.push(peer);
    return new PeerSide(peer, db, storePath);
  }

  async stop(): Promise<void> {
    for (const peer of this.#peers) await peer.close();
    await this.client.close();
    await this.mongod.stop();
    await removeDir(this.directory);
  }
}

export class PeerSide {
  readonly peer: Peer;
  readonly db: Db;
  readonly storePath: string;

  constructor(peer: Peer, db: Db, storePath: string) {
    this.peer = peer;
    this.db = db;
    this.storePath = storePath;
  }

  async call(method: string, path: string, call: Call = {}): Promise<Answer> {
    const headers = { authorization: basic(ADMIN.username, ADMIN.password), ...call.headers };
    return await send(this.peer.url, method, path, { ...call, headers });
  }

  async post(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return await this.call('POST', path, {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
  }

  async push(bytes: Buffer | string, fields: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const all = { size: String(Buffer.byteLength(bytes)), sha256: sha256(bytes), ...fields };
    return await this.call('POST', '/replica/blob/push', {
      headers: { 'content-type': 'multipart/form-data; boundary=b-b' },
      body: pushForm(bytes, all),
    });
  }

  async create(fullPath: string, bytes: string, more: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    return await this.post('/replica/node/create', {
      projectId: 'rp1',
      repoName: 'gen',
      fullPath,
      folder: false,
      size: Buffer.byteLength(bytes),
      sha256: sha256(bytes),
      md5: md5(bytes),
      operator: 'admin',
      ...more,
    });
  }

  /** Project rp1 with repository gen. */
  async repository(name = 'gen', type = 'GENERIC'): Promise<void> {
    await this.post('/replica/project/create', { name: 'rp1', displayName: 'rp1', description: 'test' });
    const more = { category: 'LOCAL', public: false, description: 'g', operator: 'admin' };
    await this.post('/replica/repo/create', { projectId: 'rp1', name, type, ...more });
  }
}

/** As bk-repo's client sends it: the file first, then the fields; an empty value leaves its field out. */
export function pushForm(bytes: Buffer | string, fields: Readonly<Record<string, string>>): Buffer {
  const head = 'Content-Disposition: form-data; name="file"; filename="f"\r\nContent-Type: application/octet-stream';
  const parts = Object.entries(fields).filter(([, value]) => value !== '');
  return Buffer.concat([
    Buffer.from(`--b-b\r\n${head}\r\n\r\n`),
    Buffer.from(bytes),
    ...parts.map(([name, value]) =>
      Buffer.from(`\r\n--b-b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}`),
    ),
    Buffer.from('\r\n--b-b--\r\n'),
  ]);
}
