/** Schemas and types of queries and of the parts of a path (contract §1.3, §1.5–§1.10). */
import type { ClusterSpec } from '../../api/cluster.gen.ts';
import { boundsOf, flag, integer, type JsonSchema, object, query, text } from './json-schema.ts';

const name = text('Name.', { examples: ['shanghai'] });
const prefix = text('Beginning of the name, taken literally.', { examples: ['sh'] });
const type = text('Role of the far side.', { ...boundsOf('Cluster', 'type'), examples: ['EDGE'] });
const paging = {
  pageNumber: integer('Page, from 1; 0 and less mean 1. Default: 1.', { examples: [1] }),
  pageSize: integer('Entries of a page, 1 to 1000; more mean 1000. Default: 20.', { examples: [20] }),
};

export interface PageQuery {
  readonly pageNumber?: number;
  readonly pageSize?: number;
}
export const PAGE_QUERY = query('A page.', paging);

export interface NameQuery {
  readonly name: string;
}
export const NAME_QUERY: JsonSchema = { ...query('Names one.', { name }), required: ['name'] };

/** For `tryConnect`, whose name may also be in the body. */
export interface OptionalNameQuery {
  readonly name?: string;
}
export const OPTIONAL_NAME_QUERY = query('May name one.', { name });

export interface NamespaceQuery {
  readonly namespace?: string;
}
export const NAMESPACE_QUERY = query('Where to make it.', {
  namespace: text('One of the namespaces that the API serves. Default: the usual one.', { examples: ['artifacts'] }),
});

export interface ClusterListQuery {
  readonly name?: string;
  readonly type?: ClusterSpec['type'];
}
export const CLUSTER_LIST_QUERY = query('Which clusters.', { name: prefix, type });

export interface ClusterPageQuery extends ClusterListQuery, PageQuery {}
export const CLUSTER_PAGE_QUERY = query('Which clusters, in pages.', { ...paging, name: prefix, type });

export interface TaskPageQuery extends PageQuery {
  readonly name?: string;
  readonly lastExecutionStatus?: 'RUNNING' | 'SUCCESS' | 'FAILED';
  readonly enabled?: boolean;
  readonly sortType?: 'CREATED_TIME' | 'LAST_EXECUTION_TIME' | 'NEXT_EXECUTION_TIME';
  readonly sortDirection?: 'ASC' | 'DESC';
}
export const TASK_PAGE_QUERY = query('Which tasks, in pages.', {
  ...paging,
  name: prefix,
  lastExecutionStatus: text('Result of the newest run.', {
    enum: ['RUNNING', 'SUCCESS', 'FAILED'],
    examples: ['SUCCESS'],
  }),
  enabled: flag('Whether the task may run.', { examples: [true] }),
  sortType: text('What they are sorted by. Default: CREATED_TIME.', {
    enum: ['CREATED_TIME', 'LAST_EXECUTION_TIME', 'NEXT_EXECUTION_TIME'],
    examples: ['CREATED_TIME'],
  }),
  sortDirection: text('Default: DESC, newest first.', { enum: ['ASC', 'DESC'], examples: ['DESC'] }),
});

const result = text('Result of a run.', { enum: ['RUNNING', 'SUCCESS', 'FAILED'], examples: ['SUCCESS'] });

export interface RecordPageQuery extends PageQuery {
  readonly status?: 'RUNNING' | 'SUCCESS' | 'FAILED';
}
export const RECORD_PAGE_QUERY = query('Which runs, in pages.', { ...paging, status: result });

export interface DetailPageQuery extends RecordPageQuery {
  readonly packageName?: string;
  readonly repoName?: string;
  readonly clusterName?: string;
  readonly path?: string;
  readonly artifactName?: string;
  readonly version?: string;
}
export const DETAIL_PAGE_QUERY = query('Which artifacts of a run, in pages. All conditions must hold.', {
  ...paging,
  packageName: text('Beginning of the key of a package.', { examples: ['npm://lod'] }),
  repoName: text('Local repository.', { examples: ['npm-local'] }),
  clusterName: text('Name of the far side.', { examples: ['shanghai'] }),
  path: text('Beginning of the path of a file.', { examples: ['/releases'] }),
  artifactName: text('Beginning of the path of a file, or of the name of a package.', { examples: ['lodash'] }),
  version: text('Version of a package.', { examples: ['1.0.0'] }),
  status: result,
});

export interface IdParams {
  readonly id: string;
}
export const ID_PARAMS = object('One cluster.', { id: text('Id of the cluster, perhaps one of an older bk-repo.') });

export interface KeyParams {
  readonly key: string;
}
export const KEY_PARAMS = object('One task.', { key: text('Key of the task, perhaps one of an older bk-repo.') });

export interface RecordIdParams {
  readonly recordId: string;
}
export const RECORD_ID_PARAMS = object('One run.', { recordId: text('Id of the record, 24 hexadecimal digits.') });

export interface ProjectParams {
  readonly projectId: string;
}
export const PROJECT_PARAMS = object('One project.', { projectId: text('Project of the local bk-repo.') });
