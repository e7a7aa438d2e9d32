import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { basicAuth } from '../../support/rest-accounts.ts';
import { type RestSite, startRestSite } from '../../support/rest-site.ts';
import { eventually } from '../../support/wait.ts';
import {
  type Answer,
  type CapturedRequest,
  capturedExchanges,
  capturedRealTime,
  type Envelope,
  type Exchange,
  fieldDifferences,
  Names,
} from './captures.ts';
import { DIFFERENCES, type Difference } from './differences.ts';

type Capture = Difference['capture'];
/** In this order: later ones use what earlier ones made. */
const CAPTURES: readonly Capture[] = ['cluster', 'task', 'runonce', 'realtime'];
const ADMIN = { username: 'admin', password: 'password' };
/** Host and port of the far side in the captures. */
const FAR_SIDE = '127.0.0.1:18090';

async function exchangesOf(capture: Capture): Promise<readonly Exchange[] | undefined> {
  if (capture !== 'realtime') return await capturedExchanges(capture);
  const exchange = await capturedRealTime();
  return exchange && [exchange];
}

const captured = await Promise.all(CAPTURES.map(exchangesOf));
const absent = captured.includes(undefined) ? 'the captures of a real bk-repo are not here' : false;
if (absent !== false) process.stderr.write(`not run: ${absent}\n`);

describe('what a real bk-repo was asked', { skip: absent }, () => {
  let site: RestSite;
  const names = new Names();

  before(async () => {
    site = await startRestSite({
      accounts: [
        { ...ADMIN, role: 'admin' },
        { username: 'plain', password: 'good', role: 'viewer' },
      ],
      farAccounts: [ADMIN, { username: 'repl', password: 'good' }],
    });
    for (const name of ['gen', 'gen2']) {
      const repository = await site.builder.repository('p1', name);
      await repository.putFile('/a/b/hello.txt', 'hello\n');
    }
    // bk-repo makes the one it is itself at its start.
    const own = { name: 'center1', type: 'CENTER', url: site.peer.url, ping: false };
    const body = JSON.stringify(own);
    const made = await send({ ...POST_JSON, target: '/replication/api/cluster/create', body });
    assert.equal(made.envelope.code, 0, JSON.stringify(made));
  });
  after(async () => {
    await site.stop();
  });

  const POST_JSON = { method: 'POST', login: 'admin:password', contentType: 'application/json' };

  async function send({ method, target, login, contentType, body }: CapturedRequest): Promise<Answer> {
    const [username = '', password = ''] = login?.split(':') ?? [];
    const response = await fetch(`${site.url}${names.in(target)}`, {
      method,
      headers: {
        ...(login === undefined ? {} : { authorization: basicAuth({ username, password }) }),
        ...(contentType === undefined ? {} : { 'content-type': contentType }),
      },
      ...(body === undefined ? {} : { body: names.in(body.replaceAll(FAR_SIDE, new URL(site.peer.url).host)) }),
    });
    return { status: response.status, envelope: (await response.json()) as Envelope };
  }

  /** A run that was asked for is waited for, as whoever recorded the captures did. */
  async function settle({ method, target }: CapturedRequest, { status }: Answer): Promise<void> {
    const key = /\/execute\/(\w+)$/u.exec(target)?.[1];
    if (method !== 'POST' || key === undefined || status !== 200) return;
    await eventually(async () => {
      const info = await send({
        ...POST_JSON,
        method: 'GET',
        target: `/api/task/info/${key}`,
        contentType: undefined,
        body: undefined,
      });
      const { lastExecutionStatus } = info.envelope.data as { readonly lastExecutionStatus: string | null };
      return lastExecutionStatus !== null && lastExecutionStatus !== 'RUNNING';
    });
  }

  /** What only the shim makes is removed again, so that the next exchange finds what it found there. */
  async function undo({ method }: CapturedRequest, theirs: Answer, ours: Answer): Promise<void> {
    const made = ours.envelope.data as { readonly key?: string } | null;
    if (method !== 'POST' || theirs.status === 200 || made?.key === undefined || names.knows(made.key)) return;
    const target = `/api/task/delete/${made.key}`;
    const { status } = await send({ ...POST_JSON, method: 'DELETE', target, contentType: undefined, body: undefined });
    assert.equal(status, 200);
  }

  for (const [index, capture] of CAPTURES.entries())
    describe(capture, () => {
      for (const { title, request, answer } of captured[index] ?? []) {
        it(title, async () => {
          const ours = await send(request);
          names.learn(answer.envelope.data, ours.envelope.data);
          await settle(request, ours);
          await undo(request, answer, ours);
          const row = DIFFERENCES.find((difference) => difference.capture === capture && difference.title === title);
          const [here, there] = [ours, answer].map(({ status, envelope: { code } }) => `${status} ${code}`);
          assert.deepEqual(
            {
              theirs: here === there ? undefined : there,
              ours: here === there ? undefined : here,
              fields: here === there ? fieldDifferences(answer.envelope.data, ours.envelope.data) : [],
            },
            { theirs: row?.theirs, ours: row?.ours, fields: row?.fields ?? [] },
            JSON.stringify(ours),
          );
          assert.deepEqual(Object.keys(ours.envelope).toSorted(), Object.keys(answer.envelope).toSorted());
        });
      }
    });

  it('differs in nothing that was not asked', () => {
    const asked = new Set(
      CAPTURES.flatMap((capture, index) => (captured[index] ?? []).map(({ title }) => `${capture}: ${title}`)),
    );
    const rows = DIFFERENCES.map(({ capture, title }) => `${capture}: ${title}`);
    assert.deepEqual(
      rows.filter((row) => !asked.has(row)),
      [],
    );
    assert.equal(new Set(rows).size, rows.length, 'one row for each');
  });
});
