/**
 * A read-only package server over a far side's database and store, for real clients in tests: Maven, npm, PyPI and Helm
 * below `/{kind}/{project}/{repository}/`, images below `/v2/{project}/{repository}/{name}/`. It answers what is stored,
 * byte for byte, and makes nothing up but the simple index of PyPI; a repository of another type is not served.
 *
 * What is none of these goes on to the far side's receiver, so that one origin is both, as at a real bk-repo: documents
 * that name addresses (npm, Helm) name the far side's origin.
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { Db } from 'mongodb';
import { type Answer, missing, type Registry } from './answer.ts';
import { oci } from './oci.ts';
import { helm, maven, npm, pypi } from './registries.ts';
import { Shelf } from './shelf.ts';

export interface PackageServerOptions {
  readonly db: Db;
  readonly storeDir: string;
  /** `http://host:port` of what takes all other requests. */
  readonly receiver?: string;
}

export interface PackageServer {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** `127.0.0.1:port`, for image references. */
  readonly host: string;
  /** Address of a repository, with a slash at its end. */
  repositoryUrl(kind: Kind, projectId: string, repoName: string): string;
  /** Method and path of what the registries were asked; the last 1,000. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

const REGISTRIES = { maven, npm, pypi, helm } as const satisfies Record<string, Registry>;
type Kind = keyof typeof REGISTRIES;
const REMEMBERED = 1000;

export async function startPackageServer({ db, storeDir, receiver }: PackageServerOptions): Promise<PackageServer> {
  const shelf = new Shelf(db, storeDir);
  const agent = new http.Agent({ keepAlive: true });
  const requests: string[] = [];
  const server = http.createServer((request, response) => {
    const segments = decoded(new URL(request.url ?? '/', 'http://localhost').pathname.split('/').slice(1));
    const serving = servedBy(shelf, segments);
    if (serving === undefined && receiver !== undefined) {
      forward(new URL(receiver), agent, request, response);
      return;
    }
    requests.push(`${request.method} ${request.url}`);
    if (requests.length > REMEMBERED) requests.shift();
    reply(request, response, serving ?? Promise.resolve(missing())).catch((error: unknown) => {
      // A client that has seen enough hangs up.
      if (isCode(error, 'ERR_STREAM_PREMATURE_CLOSE')) return;
      // The client sees a broken answer; the reason is for whoever reads the test's output.
      process.stderr.write(`package server: ${request.method} ${request.url}: ${String(error)}\n`);
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end(String(error));
    });
  });
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    repositoryUrl: (kind, projectId, repoName) => `http://${host}/${kind}/${projectId}/${repoName}/`,
    requests,
    async close() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What is no encoding is meant as it stands. */
function decoded(segments: readonly string[]): readonly string[] {
  try {
    return segments.map((segment) => decodeURIComponent(segment));
  } catch (error) {
    if (error instanceof URIError) return segments;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** undefined = not for the registries. */
function servedBy(shelf: Shelf, segments: readonly string[]): Promise<Answer> | undefined {
  const [kind = '', projectId = '', repoName = '', ...rest] = segments;
  if (kind === 'v2') {
    if (projectId === '')
      return Promise.resolve({ status: 200, headers: { 'content-type': 'application/json' }, body: '{}' });
    return fromRepository(shelf, projectId, repoName, rest, ['DOCKER', 'OCI'], oci);
  }
  if (!isKind(kind)) return undefined;
  return fromRepository(shelf, projectId, repoName, rest, [kind.toUpperCase()], REGISTRIES[kind]);
}

async function fromRepository(
  shelf: Shelf,
  projectId: string,
  repoName: string,
  rest: readonly string[],
  types: readonly string[],
  registry: Registry,
): Promise<Answer> {
  const repository = await shelf.repository(projectId, repoName);
  if (repository === undefined) return missing(`no repository ${projectId}/${repoName}`);
  if (!types.includes(repository.type)) return missing(`${projectId}/${repoName} is of type ${repository.type}`);
  return registry(repository, rest.join('/'));
}

function isKind(text: string): text is Kind {
  return Object.hasOwn(REGISTRIES, text);
}

async function reply(request: IncomingMessage, response: ServerResponse, answering: Promise<Answer>): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    request.resume();
    response.writeHead(405).end();
    return;
  }
  const { status, headers, body } = await answering;
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.file.size;
  response.writeHead(status, { ...headers, 'content-length': length });
  if (request.method === 'HEAD') response.end();
  else if (typeof body === 'string') response.end(body);
  else await pipeline(body.repository.open(body.file), response);
}

function forward(to: URL, agent: http.Agent, request: IncomingMessage, response: ServerResponse): void {
  const passed = http.request(
    { host: to.hostname, port: to.port, method: request.method, path: request.url, headers: request.headers, agent },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    },
  );
  passed.once('error', () => request.socket.resetAndDestroy());
  response.once('close', () => passed.destroy());
  request.pipe(passed);
}
