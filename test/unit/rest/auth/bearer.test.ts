import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';

import { ReplicationError } from '../../../../src/domain/errors.ts';
import { BearerCallers, MISSING_BINDING, type TokenSettings } from '../../../../src/rest/auth/bearer.ts';
import { Throttle } from '../../../../src/rest/auth/throttle.ts';
import { RestError } from '../../../../src/rest/codes.ts';
import type { AccessRequest, AccessReview, Caller, TokenUser } from '../../../../src/rest/ports.ts';
import { silentLogger } from '../../../../src/telemetry/logger.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const AUDIENCE = 'bkrepo-replicator';
const CACHE_MS = 10_000;
const NO_MS = 2_000;
const never = new AbortController().signal;
const LIST: AccessRequest = { verb: 'list', resource: 'replicatasks', namespace: 'one' };

/** An API server that knows tokens by their audience (empty = its own), and what the accounts may. */
class ApiServer implements AccessReview {
  readonly tokens = new Map([
    ['good', AUDIENCE],
    ['foreign', 'other'],
    ['server', ''],
  ]);
  readonly rights = new Set<string>();
  bound = true;
  away: ReplicationError | undefined;
  readonly reviewed: { readonly token: string; readonly audiences: readonly string[] }[] = [];
  readonly asked: { readonly user: TokenUser; readonly request: AccessRequest }[] = [];

  async reviewToken(token: string, audiences: readonly string[]): Promise<TokenUser | undefined> {
    this.reviewed.push({ token, audiences });
    if (this.away !== undefined) throw this.away;
    const audience = this.tokens.get(token);
    if (audience === undefined || !(audiences.length === 0 ? audience === '' : audiences.includes(audience)))
      return undefined;
    return { username: `sa-${token}`, groups: ['system:serviceaccounts'], extra: {} };
  }

  async reviewAccess(user: TokenUser, request: AccessRequest): Promise<boolean> {
    this.asked.push({ user, request });
    if (this.away !== undefined) throw this.away;
    const { verb, resource, namespace, name } = request;
    const all = `${user.username} ${verb} ${resource} ${namespace}`;
    return this.rights.has(all) || (name !== undefined && this.rights.has(`${all} ${name}`));
  }

  async mayReview(): Promise<boolean> {
    return this.bound;
  }
}

let api: ApiServer;
let clock: FakeClock;

beforeEach(() => {
  api = new ApiServer();
  clock = new FakeClock();
});

function callersOf(settings: Partial<TokenSettings> = {}): BearerCallers {
  return new BearerCallers({
    review: api,
    audience: AUDIENCE,
    acceptApiServerAudience: false,
    cacheMs: CACHE_MS,
    throttle: new Throttle(clock),
    clock,
    logger: silentLogger,
    key: Buffer.alloc(32, 7),
    ...settings,
  });
}

function come(callers: BearerCallers, token: string, address = 'a'): Promise<Caller> {
  return callers.authenticate(token, address, never);
}

const refused =
  (words: RegExp) =>
  (error: unknown): boolean =>
    error instanceof RestError && error.complaints[0].code === 'unauthenticated' && words.test(error.message);

const busy = (error: unknown): boolean => error instanceof RestError && error.complaints[0].code === 'tooManyRequests';

describe('tokens', () => {
  for (const token of ['foreign', 'server', 'unknown', 'not one, at all'])
    it(`refuses one that is ${token}`, async () => {
      await assert.rejects(come(callersOf(), token), refused(/Invalid token/));
    });

  it('is asked about for the one audience', async () => {
    const caller = await come(callersOf(), 'good');
    assert.equal(caller.name, 'sa-good');
    assert.deepEqual(api.reviewed, [{ token: 'good', audiences: [AUDIENCE] }]);
  });

  it("takes the API server's own tokens only by acceptApiServerAudience, and no other ones by it", async () => {
    const callers = callersOf({ acceptApiServerAudience: true });
    assert.equal((await come(callers, 'server')).name, 'sa-server');
    assert.deepEqual(
      api.reviewed.map(({ audiences }) => audiences),
      [[AUDIENCE], []],
    );
    await assert.rejects(come(callers, 'foreign'), refused(/Invalid token/));
    assert.equal((await come(callers, 'good')).name, 'sa-good');
  });

  it('refuses one that the API server takes no longer once the answer is not kept any more', async () => {
    const callers = callersOf();
    await come(callers, 'good');
    api.tokens.delete('good');
    clock.advance(CACHE_MS - 1);
    await come(callers, 'good');
    clock.advance(1);
    await assert.rejects(come(callers, 'good'), refused(/Invalid token/));
  });

  it('keeps no answer about one that has expired by its own word', async () => {
    const callers = callersOf();
    const claims = Buffer.from(JSON.stringify({ exp: clock.now() / 1_000 - 1 })).toString('base64url');
    const token = `x.${claims}.y`;
    api.tokens.set(token, AUDIENCE);
    await come(callers, token);
    api.tokens.delete(token);
    await assert.rejects(come(callers, token), refused(/Invalid token/));
  });

  it('keeps a no for two seconds, and counts it once', async () => {
    const callers = callersOf();
    for (let count = 0; count < 20; count++) await assert.rejects(come(callers, 'unknown'), refused(/Invalid token/));
    assert.equal(api.reviewed.length, 1);
    api.tokens.set('unknown', AUDIENCE);
    clock.advance(2_000);
    await come(callers, 'unknown');
  });

  it('asks about one that was good from an address that is refused, until it is good no longer', async () => {
    const callers = callersOf();
    await come(callers, 'good', 'nat');
    for (let count = 0; count < 5; count++) await assert.rejects(come(callers, `bad${count}`, 'nat'));
    clock.advance(CACHE_MS);
    for (let count = 0; count < 5; count++) await assert.rejects(come(callers, `worse${count}`, 'nat'));
    await come(callers, 'good', 'nat');
    api.tokens.delete('good');
    clock.advance(CACHE_MS);
    await assert.rejects(come(callers, 'good', 'nat'), refused(/Invalid token/));
    await assert.rejects(come(callers, 'worst', 'nat'), refused(/Invalid token/));
    clock.advance(NO_MS);
    // The one try a second that a refused address has.
    await assert.rejects(come(callers, 'last', 'nat'), refused(/Invalid token/));
    await assert.rejects(come(callers, 'good', 'nat'), busy);
  });

  it('asks once for all who come with the same one at once', async () => {
    const callers = callersOf();
    await Promise.all(Array.from({ length: 8 }, () => come(callers, 'good')));
    assert.equal(api.reviewed.length, 1);
  });

  it('says what is missing when the operator may not ask, and notices the binding within half a minute', async () => {
    const callers = callersOf();
    api.bound = false;
    await assert.rejects(come(callers, 'good'), refused(new RegExp(MISSING_BINDING.slice(0, 40))));
    assert.equal(api.reviewed.length, 0);
    api.bound = true;
    clock.advance(30_000);
    await come(callers, 'good');
  });

  it('says so, too, when the binding is taken away later', async () => {
    const callers = callersOf();
    await come(callers, 'good');
    api.away = new ReplicationError('spec', 'ApiForbidden', 'forbidden');
    clock.advance(CACHE_MS);
    await assert.rejects(come(callers, 'good'), refused(/system:auth-delegator/));
  });

  it('does not count against an address that the API server was away', async () => {
    const callers = callersOf();
    api.away = new ReplicationError('retryable', 'ApiUnavailable', 'away');
    for (let count = 0; count < 20; count++) await assert.rejects(come(callers, 'good'), { code: 'ApiUnavailable' });
    api.away = undefined;
    await come(callers, 'good');
  });
});

describe('rights', () => {
  const may = async (callers: BearerCallers, request: AccessRequest, token = 'good'): Promise<boolean> =>
    await (await come(callers, token)).may(request, never);

  it('is asked for each verb, resource, namespace and name, as the caller', async () => {
    const callers = callersOf();
    api.rights.add('sa-good list replicatasks one');
    const requests: readonly AccessRequest[] = [
      LIST,
      { ...LIST, verb: 'delete' },
      { ...LIST, resource: 'clusters' },
      { ...LIST, resource: 'secrets' },
      { ...LIST, namespace: 'two' },
      { ...LIST, verb: 'get', name: 'nightly' },
      { ...LIST, verb: 'get', name: 'hourly' },
    ];
    for (let round = 0; round < 2; round++)
      for (const request of requests) assert.equal(await may(callers, request), request === LIST);
    assert.deepEqual(
      api.asked.map(({ request }) => request),
      requests,
    );
    assert.ok(api.asked.every(({ user }) => user.username === 'sa-good' && user.groups.length === 1));
  });

  it('holds for the named resource alone when it is bound to resourceNames', async () => {
    const callers = callersOf();
    api.rights.add('sa-good update replicatasks one nightly');
    const update = { ...LIST, verb: 'update' } as const;
    assert.equal(await may(callers, { ...update, name: 'nightly' }), true);
    assert.equal(await may(callers, { ...update, name: 'hourly' }), false);
    assert.equal(await may(callers, update), false);
  });

  it('is not shared between callers', async () => {
    const callers = callersOf();
    api.tokens.set('better', AUDIENCE);
    api.rights.add('sa-better list replicatasks one');
    assert.equal(await may(callers, LIST, 'better'), true);
    assert.equal(await may(callers, LIST), false);
  });

  it('keeps a yes as long as configured and a no for two seconds', async () => {
    const callers = callersOf();
    assert.equal(await may(callers, LIST), false);
    api.rights.add('sa-good list replicatasks one');
    clock.advance(1_999);
    assert.equal(await may(callers, LIST), false);
    clock.advance(1);
    assert.equal(await may(callers, LIST), true);
    api.rights.clear();
    clock.advance(CACHE_MS - 1);
    assert.equal(await may(callers, LIST), true);
    clock.advance(1);
    assert.equal(await may(callers, LIST), false);
  });

  it('keeps nothing when told so', async () => {
    const callers = callersOf({ cacheMs: 0 });
    for (let count = 0; count < 3; count++) await may(callers, LIST);
    assert.deepEqual([api.reviewed.length, api.asked.length], [3, 3]);
  });

  it('asks once for all who want the same at once, and keeps no failure', async () => {
    const callers = callersOf();
    const caller = await come(callers, 'good');
    await Promise.all(Array.from({ length: 50 }, () => caller.may(LIST, never)));
    assert.equal(api.asked.length, 1);
    clock.advance(2_000);
    api.away = new ReplicationError('retryable', 'ApiUnavailable', 'away');
    await assert.rejects(caller.may(LIST, never), { code: 'ApiUnavailable' });
    api.away = undefined;
    api.rights.add('sa-good list replicatasks one');
    assert.equal(await caller.may(LIST, never), true);
  });

  it('keeps ten thousand answers, and the oldest makes room', async () => {
    const callers = callersOf({ cacheMs: 3_600_000 });
    api.rights.add('sa-good get replicatasks one');
    const caller = await come(callers, 'good');
    const get = (name: string) => caller.may({ ...LIST, verb: 'get', name }, never);
    for (let index = 0; index < 10_000; index++) await get(`task-${index}`);
    assert.equal(api.asked.length, 10_000);
    await get('task-0');
    assert.equal(api.asked.length, 10_000);
    await get('one-more');
    await get('task-0');
    assert.equal(api.asked.length, 10_002);
  });
});
