/**
 * Indexes of the collections that a receiving side or a test creates, as a running server has them. A source only reads:
 * it names `NODE_FULL_PATH_INDEX` as the hint of its queries.
 */
import type { IndexDescription } from 'mongodb';

/** Unique over (projectId, repoName, fullPath, deleted): many deleted generations, one live node. */
export const NODE_FULL_PATH_INDEX = 'projectId_repoName_fullPath_idx';

export const NODE_INDEXES: readonly IndexDescription[] = [
  { name: NODE_FULL_PATH_INDEX, key: { projectId: 1, repoName: 1, fullPath: 1, deleted: 1 }, unique: true },
  { name: 'projectId_repoName_path_idx', key: { projectId: 1, repoName: 1, path: 1, deleted: 1 } },
  { name: 'metadata_idx', key: { 'metadata.key': 1, 'metadata.value': 1 } },
  { name: 'sha256_idx', key: { sha256: 1 } },
  { name: 'copy_idx', key: { copyFromCredentialsKey: 1 } },
  { name: 'folder_idx', key: { folder: 1 } },
  { name: 'cluster_names_idx', key: { clusterNames: 1 } },
  { name: 'archived_idx', key: { archived: 1 } },
  { name: 'compressed_idx', key: { compressed: 1 } },
];

export const FILE_REFERENCE_INDEXES: readonly IndexDescription[] = [
  { name: 'sha256_idx', key: { sha256: 1 } },
  { name: 'count_idx', key: { count: 1 } },
];

/** The server's own index names `isDeleted`, although the field is `deleted`. */
export const BLOCK_NODE_INDEXES: readonly IndexDescription[] = [
  { name: 'start_pos_idx', key: { projectId: 1, repoName: 1, nodeFullPath: 1, startPos: 1, isDeleted: 1 } },
  { name: 'sha256_idx', key: { sha256: 1 } },
];

export const PROJECT_INDEXES: readonly IndexDescription[] = [{ name: 'name_idx', key: { name: 1 }, unique: true }];

export const REPOSITORY_INDEXES: readonly IndexDescription[] = [
  { name: 'projectId_name_idx', key: { projectId: 1, name: 1 }, unique: true },
  { name: 'projectId_owner_idx', key: { projectId: 1, owner: 1 } },
  { name: 'owner', key: { owner: 1 } },
];

export const PACKAGE_INDEXES: readonly IndexDescription[] = [
  { name: 'package_name_idx', key: { projectId: 1, repoName: 1, name: 1 } },
  { name: 'package_key_idx', key: { projectId: 1, repoName: 1, key: 1 }, unique: true },
];

export const PACKAGE_VERSION_INDEXES: readonly IndexDescription[] = [
  { name: 'version_name_idx', key: { packageId: 1, name: 1 }, unique: true },
  { name: 'version_metadata_idx', key: { packageId: 1, metadata: 1 } },
  { name: 'version_tags_idx', key: { packageId: 1, tags: 1 } },
];
