/** The indexes of a running server's collections; families without their number. Checked against the fixture. */
import type { Db, IndexDescription } from 'mongodb';

const plain = (name: string, ...fields: string[]): IndexDescription => ({
  name,
  key: Object.fromEntries(fields.map((field) => [field, 1])),
});
const unique = (name: string, ...fields: string[]): IndexDescription => ({ ...plain(name, ...fields), unique: true });

export const INDEXES: Readonly<Record<string, readonly IndexDescription[]>> = {
  project: [unique('name_idx', 'name')],
  repository: [
    unique('projectId_name_idx', 'projectId', 'name'),
    plain('projectId_owner_idx', 'projectId', 'owner'),
    plain('owner', 'owner'),
  ],
  node_N: [
    unique('projectId_repoName_fullPath_idx', 'projectId', 'repoName', 'fullPath', 'deleted'),
    plain('projectId_repoName_path_idx', 'projectId', 'repoName', 'path', 'deleted'),
    plain('metadata_idx', 'metadata.key', 'metadata.value'),
    plain('sha256_idx', 'sha256'),
    plain('copy_idx', 'copyFromCredentialsKey'),
    plain('folder_idx', 'folder'),
    plain('cluster_names_idx', 'clusterNames'),
    plain('archived_idx', 'archived'),
    plain('compressed_idx', 'compressed'),
  ],
  file_reference_N: [plain('sha256_idx', 'sha256'), plain('count_idx', 'count')],
  block_node_N: [
    plain('start_pos_idx', 'projectId', 'repoName', 'nodeFullPath', 'startPos', 'isDeleted'),
    plain('sha256_idx', 'sha256'),
  ],
  package: [
    plain('package_name_idx', 'projectId', 'repoName', 'name'),
    unique('package_key_idx', 'projectId', 'repoName', 'key'),
  ],
  package_version: [
    unique('version_name_idx', 'packageId', 'name'),
    plain('version_metadata_idx', 'packageId', 'metadata'),
    plain('version_tags_idx', 'packageId', 'tags'),
  ],
};

/** Those of `file_reference_N` are left out: nothing here reads them, and 256 times two indexes take seconds. */
export async function createIndexes(db: Db, collection: string): Promise<void> {
  const indexes = INDEXES[collection.replace(/_\d+$/, '_N')];
  if (indexes !== undefined && !collection.startsWith('file_reference_'))
    await db.collection(collection).createIndexes([...indexes]);
}
