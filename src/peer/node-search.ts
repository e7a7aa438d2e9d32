/** node/search: pages of the fields that were asked for, of live nodes of one project. */
import type { Filter, Sort } from 'mongodb';
import type { LocalTime } from '../lib/local-time.ts';
import type { NodeDoc } from '../source/schema/documents.ts';
import { type Caller, mayRead, requireProject } from './accounts.ts';
import type { PeerContext } from './context.ts';
import { PeerError } from './errors.ts';
import type { Fields } from './fields.ts';
import { nodeInfo } from './node-view.ts';
import { type Page, type PageRequest, pageOf, readPage } from './page.ts';
import { NODE_FIELDS, requiredValue, ruleFilter } from './search-rules.ts';

type NodeRecord = Readonly<Record<string, unknown>>;

export async function searchNodes(context: PeerContext, caller: Caller, body: Fields): Promise<Page<NodeRecord>> {
  const { time } = context.settings;
  const rule = body.raw('rule');
  if (rule === undefined) throw new PeerError('contentInvalid');
  const projectId = requiredValue(rule, 'projectId');
  if (projectId === undefined) throw new PeerError('parameterInvalid', 'projectId');
  await requireReadable(context, caller, projectId);
  const filter: Filter<NodeDoc> = { $and: [{ projectId, deleted: null }, ruleFilter(rule, time)] };
  const select = readSelect(body);
  const page = readPage(body.fields('page'));
  return await readableNodes(context, caller, projectId, filter, {
    page,
    sort: readSort(body.fields('sort')),
    show: (node) => selected(node, select, time),
  });
}

/** 403 for a project that is not there, too (contract §11). */
export async function requireReadable(context: PeerContext, caller: Caller, projectId: string): Promise<void> {
  requireProject(caller, projectId);
  const projects = await context.database.projects();
  if ((await projects.findOne({ name: projectId })) === null) throw new PeerError('denied', 'Forbidden');
}

export interface NodePage {
  readonly page: PageRequest;
  readonly sort: Sort;
  readonly show: (node: NodeDoc) => NodeRecord;
}

/**
 * A page of the nodes that the caller may read. When some of them may not be read that is a 403, not an answer with
 * gaps: "not visible" must not look like "not there".
 */
export async function readableNodes(
  context: PeerContext,
  caller: Caller,
  projectId: string,
  filter: Filter<NodeDoc>,
  { page, sort, show }: NodePage,
): Promise<Page<NodeRecord>> {
  const nodes = await context.database.nodes(projectId);
  const hidden = hiddenFilter(caller, projectId);
  const visible: Filter<NodeDoc> = hidden === undefined ? filter : { $and: [filter, { $nor: hidden }] };
  if (hidden !== undefined && !context.settings.defects.searchHidesUnreadable) {
    const unreadable = await nodes.findOne({ $and: [filter, { $or: hidden }] });
    if (unreadable !== null && !mayRead(caller, projectId, unreadable.repoName, unreadable.fullPath))
      throw new PeerError('denied', 'Forbidden');
  }
  const total = await nodes.countDocuments(visible);
  const records = await nodes.find(visible).sort(sort).skip(page.skip).limit(page.size).toArray();
  return pageOf(page, total, records.map(show));
}

/** Filters of what the caller may not read in a project; undefined = nothing is hidden. */
function hiddenFilter(caller: Caller, projectId: string): Filter<NodeDoc>[] | undefined {
  if (caller.admin) return undefined;
  const hidden = caller.hiddenPaths.flatMap((prefix): Filter<NodeDoc>[] => {
    const [, project = '', repoName = '', ...rest] = prefix.split('/');
    if (project !== projectId) return [];
    const path = `/${rest.join('/')}`;
    return [{ repoName, fullPath: { $gte: path, $lt: `${path}\uffff` } }];
  });
  return hidden.length === 0 ? undefined : hidden;
}

function readSelect(body: Fields): ReadonlySet<string> | undefined {
  const names = body.textList('select');
  return names === undefined || names.length === 0 ? undefined : new Set(names);
}

export function readSort(sort: Fields): Sort {
  const names = sort.textList('properties') ?? [];
  const direction = sort.optionalText('direction') ?? 'ASC';
  if (direction !== 'ASC' && direction !== 'DESC') throw new PeerError('contentInvalid');
  const wrong = names.find((name) => !NODE_FIELDS.has(name));
  if (wrong !== undefined) throw new PeerError('parameterInvalid', wrong);
  const order = direction === 'ASC' ? 1 : -1;
  return new Map((names.length === 0 ? ['fullPath'] : names).map((name) => [name, order]));
}

/**
 * A record holds the stored fields among the selected ones: what is absent is left out, `metadata` brings
 * `nodeMetadata` along, and `nodeMetadata` alone brings nothing (contract §11).
 */
function selected(node: NodeDoc, select: ReadonlySet<string> | undefined, time: LocalTime): NodeRecord {
  const { id: _id, ...all } = nodeInfo(node, time);
  const fields = Object.entries(all).filter(([name, value]) => {
    if (value === null) return false;
    return select === undefined || select.has(name === 'nodeMetadata' ? 'metadata' : name);
  });
  return Object.fromEntries(fields);
}
