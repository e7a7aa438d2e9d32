/** Names of bk-repo's collections that are not sharded (contract §5.2). The sharded ones are in `sharding.ts`. */
export const PROJECT_COLLECTION = 'project';
export const REPOSITORY_COLLECTION = 'repository';
export const PACKAGE_COLLECTION = 'package';
export const PACKAGE_VERSION_COLLECTION = 'package_version';
export const STORAGE_CREDENTIALS_COLLECTION = 'storage_credentials';

/** `artifact_oplog_YYYYMM` of the month of `date`, in UTC as the fixture's server had it. */
export function artifactOplogCollectionName(date: Date): string {
  return `artifact_oplog_${date.getUTCFullYear()}${String(date.getUTCMonth() + 1).padStart(2, '0')}`;
}
