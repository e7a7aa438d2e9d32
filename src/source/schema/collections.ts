/** Names of bk-repo's collections that are not sharded (contract §5.2). The sharded ones are in `sharding.ts`. */
export const PROJECT_COLLECTION = 'project';
export const REPOSITORY_COLLECTION = 'repository';
export const PACKAGE_COLLECTION = 'package';
export const PACKAGE_VERSION_COLLECTION = 'package_version';
export const STORAGE_CREDENTIALS_COLLECTION = 'storage_credentials';
