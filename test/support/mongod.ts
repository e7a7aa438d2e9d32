import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoMemoryReplSet } from 'mongodb-memory-server-core';
import { findMongod } from './assets.ts';
import { leash } from './leash.ts';
import { freePort } from './ports.ts';
import { untilStopped } from './stopped.ts';
import { makeTempDir, removeDir } from './tempdir.ts';

/*
 * A real mongod as a replica set of one member, on a port and a directory of its own. It ends, and its data with it, at
 * `stop()` or when this program ends in whatever way.
 */

export interface MongoUser {
  readonly name: string;
  readonly password: string;
  /** For example `{ role: 'read', db: 'bkrepo' }`. */
  readonly roles: readonly { readonly role: string; readonly db: string }[];
}

export interface MongodOptions {
  /** With users (also none), access control is on: `uri` is an administrator's, `uriFor(name)` theirs; they live in `admin`. */
  readonly users?: readonly MongoUser[];
  /** Size of the storage engine's cache in GB. */
  readonly cacheSizeGB?: number;
  /** Further arguments for mongod. */
  readonly args?: readonly string[];
}

export interface Mongod {
  /** Connection string with the replica set's name; an administrator's when users were given. */
  readonly uri: string;
  readonly replicaSet: string;
  readonly port: number;
  /** Process id of the running mongod. @throws {Error} while it is not running */
  readonly pid: number;
  /** @throws {Error} when no such user was given */
  uriFor(user: string): string;
  /** Sends a signal; SIGSTOP and SIGCONT make it hang and go on. Answers, for a signal that ends it, when it has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Ends it orderly and keeps port and data, for `restart()`. */
  pause(): Promise<void>;
  /** Starts it again on the same port and data, whether it was killed, paused, or still runs; waits for the primary. */
  restart(): Promise<void>;
  /** Ends it and removes its data. Can be called again. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const REPLICA_SET = 'rs0';
/** Attempts to bring a server back. */
const RESTARTS = 10;
const ADMINISTRATOR = { name: 'administrator', password: 'administrator-of-a-test' };
const HOLDING: ReadonlySet<NodeJS.Signals> = new Set(['SIGSTOP', 'SIGCONT', 'SIGUSR1', 'SIGUSR2']);

/** @throws {PartUnavailable} when no mongod can be had */
export async function startMongod(options: MongodOptions = {}): Promise<Mongod> {
  const { paths: systemBinary, version } = await findMongod();
  const directory = await makeTempDir('mongod');
  const dbPath = join(directory, 'db');
  await mkdir(dbPath);
  const server = new MongoMemoryReplSet({
    binary: { systemBinary, version },
    instanceOpts: [{ dbPath, port: await freePort(), storageEngine: 'wiredTiger', launchTimeout: 60_000 }],
    replSet: {
      name: REPLICA_SET,
      count: 1,
      storageEngine: 'wiredTiger',
      args: ['--nounixsocket', '--wiredTigerCacheSizeGB', String(options.cacheSizeGB ?? 0.25), ...(options.args ?? [])],
      configSettings: { electionTimeoutMillis: 1000 },
      ...(options.users === undefined ? {} : { auth: authOf(options.users) }),
    },
  });
  const mongod = new MongodServer(server, directory, options.users);
  try {
    await mongod.start();
    return mongod;
  } catch (error) {
    await mongod.stop();
    throw error;
  }
}

function authOf(users: readonly MongoUser[]) {
  return {
    enable: true,
    customRootName: ADMINISTRATOR.name,
    customRootPwd: ADMINISTRATOR.password,
    extraUsers: users.map(({ name, password, roles }) => ({
      createUser: name,
      pwd: password,
      database: 'admin',
      roles: roles.map((role) => ({ ...role })),
    })),
  };
}

class MongodServer implements Mongod {
  readonly replicaSet = REPLICA_SET;
  readonly #server: MongoMemoryReplSet;
  readonly #directory: string;
  readonly #users: readonly MongoUser[] | undefined;
  #port: number | undefined;
  #release: () => void = () => undefined;

  constructor(server: MongoMemoryReplSet, directory: string, users: readonly MongoUser[] | undefined) {
    this.#server = server;
    this.#directory = directory;
    this.#users = users;
  }

  get port(): number {
    if (this.#port === undefined) throw new Error('mongod was never started');
    return this.#port;
  }

  get uri(): string {
    return this.#uriAs(this.#users === undefined ? undefined : ADMINISTRATOR);
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('mongod is not running');
    return pid;
  }

  uriFor(user: string): string {
    const known = this.#users?.find(({ name }) => name === user);
    if (known === undefined) throw new Error(`mongod was started without a user ${user}`);
    return this.#uriAs(known);
  }

  async start(): Promise<void> {
    await this.#server.start();
    this.#port = this.#server.servers[0]?.instanceInfo?.port;
    this.#release();
    this.#release = await leash(this.pid, this.#directory);
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    process.kill(this.pid, signal);
    if (signal === 'SIGSTOP') await untilStopped(this.pid);
    if (child !== undefined && !HOLDING.has(signal) && isRunning(child)) await once(child, 'exit');
  }

  async pause(): Promise<void> {
    if (this.#child !== undefined) await this.kill('SIGCONT');
    await this.#server.stop({ doCleanup: false });
  }

  async restart(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      await this.pause();
      try {
        await this.start();
        return;
      } catch (error) {
        if (tries === RESTARTS || !isStillReadingItsConfiguration(error)) throw error;
      }
    }
  }

  async stop(): Promise<void> {
    if (this.#child !== undefined) await this.kill('SIGKILL');
    await this.#server.stop({ doCleanup: true });
    this.#release();
    await removeDir(this.#directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get #child(): ChildProcess | undefined {
    const child = this.#server.servers[0]?.instanceInfo?.instance.mongodProcess;
    return child !== undefined && isRunning(child) ? child : undefined;
  }

  #uriAs(user: { readonly name: string; readonly password: string } | undefined): string {
    const account = user && `${encodeURIComponent(user.name)}:${encodeURIComponent(user.password)}@`;
    const source = user && '&authSource=admin';
    return `mongodb://${account ?? ''}127.0.0.1:${this.port}/?replicaSet=${REPLICA_SET}${source ?? ''}`;
  }
}

/** A mongod that comes back refuses the library's reconfiguration while it reads the old one. */
function isStillReadingItsConfiguration(error: unknown): boolean {
  return error instanceof Error && 'codeName' in error && error.codeName === 'ConfigurationInProgress';
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}
