/**
 * The package calls: those under /replica (contract §2.5), and what of bk-repo's repository API a replicating client
 * reads (contract §6.3; bk-repo's UserPackageController, which has no call for a single version).
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';

import { requireProject } from './accounts.ts';
import { now, type PeerContext } from './context.ts';
import { longDate } from './event-entries.ts';
import { type EventType, originOf, type PeerEvent } from './events.ts';
import { bodyFields, guardProject, optionalQuery, pathParameter, queryInteger, queryText, success } from './http.ts';
import { deletePackage, readPackageDeletion } from './package-delete.ts';
import {
  allVersions,
  findPackage,
  type PackageAddress,
  packagePage,
  versionExists,
  versionPage,
} from './package-query.ts';
import { packageSummary, packageVersion } from './package-view.ts';
import { createVersion } from './packages.ts';
import { type PageRequest, pageRequest } from './page.ts';
import { requireRepository } from './repositories.ts';
import { readVersion, type VersionRequest } from './version-request.ts';

export function packageRoutes(app: FastifyInstance, context: PeerContext): void {
  const config = { access: 'metadata' } as const;

  app.post('/package/version/exist', { config }, async (request) => {
    const body = bodyFields(request);
    const projectId = body.text('projectId');
    guardProject(context, request, projectId);
    const address = { projectId, repoName: body.text('repoName'), key: body.text('packageKey') };
    return success(request, await versionExists(context, address, body.text('versionName')));
  });

  app.post('/package/version/create', { config }, async (request) => {
    const version = readVersion(bodyFields(request));
    guardProject(context, request, version.projectId);
    const isNew = await createVersion(context, version);
    context.events.add(versionEvent(request, isNew ? 'VERSION_CREATED' : 'VERSION_UPDATED', version, version.version));
    return success(request);
  });

  for (const [url, ofVersion] of [
    ['/package/version/delete', true],
    ['/package/delete', false],
  ] as const)
    app.post(url, { config }, async (request) => {
      const deletion = readPackageDeletion(context, bodyFields(request), ofVersion);
      guardProject(context, request, deletion.projectId);
      const gone = await deletePackage(context, deletion);
      const deletedDate = longDate(now(context), context.settings.time);
      if (gone !== undefined)
        context.events.add(versionEvent(request, 'VERSION_DELETED', gone, deletion.version, { deletedDate }));
      return success(request);
    });
}

type About = Pick<VersionRequest, 'projectId' | 'repoName' | 'key' | 'name' | 'type'>;

/** A whole package is written as version `null` of it. */
function versionEvent(
  request: FastifyRequest,
  type: EventType,
  { projectId, repoName, key, name, type: packageType }: About,
  version: string | undefined,
  more: Readonly<Record<string, unknown>> = {},
): PeerEvent {
  const origin = originOf(request);
  return {
    type,
    projectId,
    repoName,
    resource: `${key}-${version ?? 'null'}`,
    origin,
    data: {
      packageKey: key,
      packageType,
      packageName: name,
      packageVersion: version ?? '',
      ...more,
      realIpAddress: origin.clientAddress,
    },
  };
}

export function packageQueryRoutes(app: FastifyInstance, context: PeerContext): void {
  const config = { access: 'repository' } as const;
  const { time } = context.settings;

  app.get('/package/info/:projectId/:repoName', { config }, async (request) => {
    const found = await findPackage(context, await readablePackage(context, request));
    return success(request, found === null ? null : packageSummary(found, time));
  });

  app.get('/package/page/:projectId/:repoName', { config }, async (request) => {
    const place = await readableRepository(context, request);
    const page = await packagePage(context, place, optionalQuery(request, 'packageName'), queryPage(request));
    return success(request, { ...page, records: page.records.map((found) => packageSummary(found, time)) });
  });

  app.get('/version/page/:projectId/:repoName', { config }, async (request) => {
    const query = {
      version: optionalQuery(request, 'version'),
      stageTag: optionalQuery(request, 'stageTag'),
      sortProperty: optionalQuery(request, 'sortProperty'),
      direction: optionalQuery(request, 'direction'),
    };
    const page = await versionPage(context, await readablePackage(context, request), query, queryPage(request));
    return success(request, { ...page, records: page.records.map((version) => packageVersion(version, time)) });
  });

  app.post('/version/list/:projectId/:repoName', { config }, async (request) => {
    const body = bodyFields(request);
    const query = {
      version: body.optionalText('version'),
      stageTag: body.optionalText('stageTag'),
      sortProperty: body.optionalText('sortProperty'),
      direction: body.optionalText('direction'),
    };
    const versions = await allVersions(context, await readablePackage(context, request), query);
    return success(
      request,
      versions.map((version) => packageVersion(version, time)),
    );
  });
}

async function readableRepository(
  context: PeerContext,
  request: FastifyRequest,
): Promise<{ readonly projectId: string; readonly repoName: string }> {
  const projectId = pathParameter(request, 'projectId');
  const repoName = pathParameter(request, 'repoName');
  requireProject(request.caller, projectId);
  await requireRepository(context, projectId, repoName);
  return { projectId, repoName };
}

async function readablePackage(context: PeerContext, request: FastifyRequest): Promise<PackageAddress> {
  return { ...(await readableRepository(context, request)), key: queryText(request, 'packageKey') };
}

function queryPage(request: FastifyRequest): PageRequest {
  return pageRequest(queryInteger(request, 'pageNumber'), queryInteger(request, 'pageSize'));
}
