import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Document, MongoClient } from 'mongodb';
import { findMongod } from './assets.ts';
import { freePort } from './ports.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';
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
const ADMINISTRATOR = { name: 'administrator', password: 'administrator-of-a-test' };
const KEY = 'keyOfATest';
const PRIMARY_WITHIN = 60_000;
/** Its journal would take 300 MB of each directory, and its own statistics time. */
const LEAN = { wiredTigerEngineConfigString: 'log=(prealloc=false,file_max=16MB)' };
const PARAMETERS = {
  diagnosticDataCollectionEnabled: 'false',
  // With an orderly end it would serve its readers for 15 s more.
  shutdownTimeoutMillisForSignaledShutdown: '0',
};

/** @throws {PartUnavailable} when no mongod can be had */
export async function startMongod(options: MongodOptions = {}): Promise<Mongod> {
  const { paths: program } = await findMongod();
  const directory = await makeTempDir('mongod');
  const mongod = new MongodServer(program, directory, await freePort(), options);
  try {
    await mongod.begin();
    return mongod;
  } catch (error) {
    await mongod.stop();
    throw error;
  }
}

class MongodServer implements Mongod {
  readonly replicaSet = REPLICA_SET;
  readonly port: number;
  readonly #program: string;
  readonly #directory: string;
  readonly #options: MongodOptions;
  #process: ServerProcess | undefined;

  constructor(program: string, directory: string, port: number, options: MongodOptions) {
    this.#program = program;
    this.#directory = directory;
    this.port = port;
    this.#options = options;
  }

  get uri(): string {
    return this.#uriAs(this.#options.users === undefined ? undefined : ADMINISTRATOR);
  }

  get pid(): number {
    if (this.#process?.running !== true) throw new Error('mongod is not running');
    return this.#process.pid;
  }

  uriFor(user: string): string {
    const known = this.#options.users?.find(({ name }) => name === user);
    if (known === undefined) throw new Error(`mongod was started without a user ${user}`);
    return this.#uriAs(known);
  }

  /** The first start: makes the replica set, and the users. */
  async begin(): Promise<void> {
    await mkdir(join(this.#directory, 'db'));
    await writeFile(this.#keyFile, KEY, { mode: 0o600 });
    await this.#start();
    await this.#asAdmin(undefined, async (admin) => {
      const members = [{ _id: 0, host: `127.0.0.1:${this.port}` }];
      const settings = { electionTimeoutMillis: 1000 };
      await admin({ replSetInitiate: { _id: REPLICA_SET, members, settings } });
      await untilPrimary(admin);
      // Without any user yet, it lets whoever comes from the same machine make one.
      if (this.#options.users !== undefined)
        await admin({ createUser: ADMINISTRATOR.name, pwd: ADMINISTRATOR.password, roles: ['root'] });
    });
    const { users = [] } = this.#options;
    if (users.length === 0) return;
    await this.#asAdmin(ADMINISTRATOR, async (admin) => {
      for (const { name, password, roles } of users) await admin({ createUser: name, pwd: password, roles });
    });
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.#process?.running !== true) throw new Error('mongod is not running');
    await this.#process.signal(signal);
  }

  async pause(): Promise<void> {
    await this.#process?.signal('SIGCONT');
    await this.#process?.signal('SIGTERM');
  }

  async restart(): Promise<void> {
    await this.pause();
    await this.#start();
    await this.#asAdmin(undefined, untilPrimary);
  }

  async stop(): Promise<void> {
    await this.#process?.signal('SIGKILL');
    await removeDir(this.#directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #start(): Promise<void> {
    const { users, cacheSizeGB = 0.25, args = [] } = this.#options;
    this.#process = await startServerProcess({
      name: 'mongod',
      program: this.#program,
      args: [
        ...flags({ dbpath: join(this.#directory, 'db'), bind_ip: '127.0.0.1', port: String(this.port) }),
        ...flags({ replSet: REPLICA_SET, wiredTigerCacheSizeGB: String(cacheSizeGB), ...LEAN }),
        ...Object.entries(PARAMETERS).flatMap(([name, value]) => ['--setParameter', `${name}=${value}`]),
        ...(users === undefined ? [] : flags({ keyFile: this.#keyFile })),
        '--nounixsocket',
        ...args,
      ],
      ready: (output) => Promise.resolve(output.includes('"Waiting for connections"')),
      removeWithUs: this.#directory,
    });
  }

  async #asAdmin(account: Account | undefined, work: (admin: Admin) => Promise<void>): Promise<void> {
    const client = new MongoClient(`mongodb://127.0.0.1:${this.port}/`, {
      directConnection: true,
      ...(account === undefined ? {} : { auth: { username: account.name, password: account.password } }),
    });
    try {
      await work((command) => client.db('admin').command(command));
    } finally {
      await client.close();
    }
  }

  get #keyFile(): string {
    return join(this.#directory, 'key');
  }

  #uriAs(user: Account | undefined): string {
    const account = user && `${encodeURIComponent(user.name)}:${encodeURIComponent(user.password)}@`;
    const source = user && '&authSource=admin';
    return `mongodb://${account ?? ''}127.0.0.1:${this.port}/?replicaSet=${REPLICA_SET}${source ?? ''}`;
  }
}

interface Account {
  readonly name: string;
  readonly password: string;
}

function flags(values: Readonly<Record<string, string>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);
}

type Admin = (command: Document) => Promise<Document>;

async function untilPrimary(admin: Admin): Promise<void> {
  const deadline = performance.now() + PRIMARY_WITHIN;
  while ((await admin({ hello: 1 }))['isWritablePrimary'] !== true) {
    if (performance.now() > deadline) throw new Error(`mongod has not become primary within ${PRIMARY_WITHIN} ms`);
    await delay(10);
  }
}
