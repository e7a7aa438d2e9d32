/**
 * The captured requests of real servers and clients, sent again: status, code and shape of the answers must be the
 * captured ones. Where this server does better than a real one, the table says so and why.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';

import type { PeerOptions } from '../../../src/peer/options.ts';
import { curlExchanges, type Exchange, haveCaptures, shapeDifferences, wireExchanges } from './captures.ts';
import { type Answer, PeerBed, type PeerSide, send } from './client.ts';

const USERS = [
  { username: 'admin', password: 'password', admin: true },
  { username: 'repl', password: 'good' },
  { username: 'plain', password: 'good', projects: ['rp1'] },
];

/** Exchanges that cannot be sent again, or that show another installation. */
const NOT_OFFERED: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  { pattern: /^wire-signed-requests/, reason: 'request signing (contract §2.3) is not offered' },
  { pattern: /^wire-url-without-replication/, reason: 'both forms of the url are served here (contract §2.1)' },
  { pattern: /^Platform authorization$/, reason: 'platform accounts are not offered' },
  { pattern: /^wire-auth-failure-run/, reason: 'the account of that run lost its password in between' },
  { pattern: /^\/generic\//, reason: 'the generic API is not offered' },
  { pattern: /permission\/check/, reason: 'permission/check is not offered' },
];

interface Better {
  readonly status: number;
  readonly code: number;
  readonly reason: string;
}

/** What the server without defects answers instead, by the title of the exchange. */
const BETTER: Readonly<Record<string, Better>> = {
  'direct push: sha256 field does not belong to the bytes': better(400, 251003, '§11: wrong bytes are stored'),
  'blob/check of that sha256 afterwards': better(200, 0, 'nothing was stored: false'),
  'direct push: no size field': better(400, 251003, '§11: wrong bytes are stored'),
  'direct push: sha256 in query only': better(400, 251003, '§11: wrong bytes are stored'),
  'direct push: file part missing': better(400, 250103, 'a fault of the caller is not a server error'),
  'direct push: sha256 not hex': better(400, 250105, '§11: stores under any name'),
  'direct push: upper-case sha256': better(400, 251003, '§11: wrong bytes are stored'),
  'node/create for a sha256 that is not stored': better(400, 251024, '§11: a node without bytes'),
  'version as non-admin': better(200, 0, ''),
  'blob/check as non-admin': better(200, 0, 'an account with a project may push'),
  'project/create as non-admin': better(403, 250113, '§11: metadata calls are open'),
  'no Authorization: version': better(401, 250114, '§11: metadata calls are open'),
  '[-u plain:good] project/create': better(403, 250113, '§11: metadata calls are open'),
  '[-u plain:good] node/create': better(400, 250105, '§11: a digest that is none'),
  '[-u plain:good] metadata/save': better(400, 251010, 'the node was refused before'),
  'PATCH unknown session': better(404, 251101, '§11: 500 for an unknown session'),
};

function better(status: number, code: number, reason: string): Better {
  return { status, code, reason };
}

/** Calls of nobody: open at a real server, refused here. */
function expectedBetter(exchange: Exchange): Better | undefined {
  if (exchange.title.startsWith('[anonymous]')) return better(401, 250114, '§11: metadata calls are open');
  return BETTER[exchange.title];
}

const FAITHFUL: Partial<PeerOptions> = { users: USERS, faithful: true, timeZone: 'UTC' };
const CURLS = ['wire-wrong-sha256.txt', 'wire-permission.txt', 'rest-replica-server.txt'];

suite('captured requests', {
  skip: haveCaptures() ? false : 'the captures are not beside the project: not run',
}, () => {
  let bed: PeerBed;
  before(async () => {
    bed = await PeerBed.start();
  });
  after(async () => await bed.stop());

  test('bk-repo replicating is answered as a real far side answers', async () => {
    const side = await bed.peer('wire', FAITHFUL);
    const exchanges = wireExchanges();
    await seedFor(side, exchanges);
    const sessions = new Map<string, string>();
    const differences: string[] = [];
    let compared = 0;
    for (const exchange of exchanges) {
      if (exchange.body === undefined || notOffered(exchange)) continue;
      const answer = await replay(side, exchange, sessions);
      compared += 1;
      differences.push(...compare(exchange, answer));
    }
    assert.deepEqual(differences, []);
    assert.ok(compared > 250, `only ${compared} exchanges were compared`);
  });

  for (const mode of ['faithful', 'better'] as const)
    test(`requests good and bad are answered as captured (${mode})`, async () => {
      const side = await bed.peer(`curl-${mode}`, mode === 'faithful' ? FAITHFUL : { users: USERS });
      await side.repository();
      await side.repository('mvn', 'MAVEN');
      await seedPackage(side);
      const sessions = new Map<string, string>();
      const differences: string[] = [];
      const exchanges = CURLS.flatMap(curlExchanges).filter((exchange) => !notOffered(exchange));
      for (const exchange of exchanges) {
        const answer = await replay(side, exchange, sessions);
        const instead = mode === 'better' ? expectedBetter(exchange) : undefined;
        if (instead === undefined) differences.push(...compare(exchange, answer), ...compareValues(exchange, answer));
        else if (answer.status !== instead.status || answer.json.code !== instead.code)
          differences.push(`${exchange.title}: ${answer.status} ${answer.json.code} instead of ${instead.status}`);
      }
      assert.deepEqual(differences, []);
      assert.ok(exchanges.length > 75, `only ${exchanges.length} exchanges were compared`);
    });
});

function notOffered(exchange: Exchange): boolean {
  return NOT_OFFERED.some(({ pattern }) => pattern.test(exchange.title) || pattern.test(exchange.url));
}

/** Sends a captured request, with the id of our upload session where the captured one has its own. */
async function replay(side: PeerSide, exchange: Exchange, sessions: Map<string, string>): Promise<Answer> {
  let { url } = exchange;
  for (const [captured, ours] of sessions) url = url.replaceAll(captured, ours);
  const { host: _host, 'content-length': _length, connection: _connection, ...headers } = exchange.headers;
  const answer = await send(side.peer.url, exchange.method, url, { headers, body: exchange.body ?? '' });
  const [captured, ours] = [exchange.answerHeaders['location'], answer.headers.location].map(
    (location) => location?.split('/').at(-1) ?? '',
  );
  if (captured !== undefined && captured !== '' && ours !== undefined) sessions.set(captured, ours);
  return answer;
}

function compare(exchange: Exchange, answer: Answer): string[] {
  const at = exchange.title;
  const differences =
    exchange.answer === undefined ? [] : shapeDifferences(exchange.answer, answer.json).map((d) => `${at} ${d}`);
  if (answer.status !== exchange.status) differences.push(`${at}: ${answer.status} instead of ${exchange.status}`);
  if (exchange.answer !== undefined && answer.json.code !== exchange.answer['code'])
    differences.push(
      `${at}: code ${answer.json.code} (${answer.json.message}) instead of ${String(exchange.answer['code'])}`,
    );
  for (const name of ['www-authenticate', 'push-session-id', 'location', 'x-bkrepo-rid', 'x-bkrepo-time-zone'])
    if (name in exchange.answerHeaders && answer.headers[name] === undefined) differences.push(`${at}: no ${name}`);
  return differences;
}

/** Messages, simple data, zone and the Range of chunks are the captured ones, for the same state was made before. */
function compareValues(exchange: Exchange, answer: Answer): string[] {
  const differences: string[] = [];
  const expected = exchange.answer ?? {};
  if (exchange.answer !== undefined && expected['message'] !== answer.json.message)
    differences.push(`${exchange.title}: "${answer.json.message}" instead of "${String(expected['message'])}"`);
  if (typeof expected['data'] === 'boolean' && expected['data'] !== answer.json.data)
    differences.push(`${exchange.title}: ${String(answer.json.data)} instead of ${expected['data']}`);
  if (answer.headers['x-bkrepo-time-zone'] !== exchange.answerHeaders['x-bkrepo-time-zone'])
    differences.push(`${exchange.title}: zone ${String(answer.headers['x-bkrepo-time-zone'])}`);
  return differences;
}

/** The repositories and folders that the recorded far side had before the recording began. */
async function seedFor(side: PeerSide, exchanges: readonly Exchange[]): Promise<void> {
  await side.repository();
  for (const { url, body } of exchanges) {
    if (!url.endsWith('/node/create') && !url.endsWith('/package/version/create')) continue;
    const [, name] = /"repoName" : "(\w+)"/.exec(body?.toString() ?? '') ?? [];
    if (name !== undefined) await side.repository(name);
  }
}

async function seedPackage(side: PeerSide): Promise<void> {
  await side.post('/replica/package/version/create', {
    projectId: 'rp1',
    repoName: 'mvn',
    packageName: 'lib',
    packageKey: 'gav://com.ex:lib',
    packageType: 'MAVEN',
    versionName: '1.0.0',
    size: 1,
    createdBy: 'admin',
  });
}
