/**
 * Everything in which a real bk-repo server of August 2026 does worse than this one. `--faithful` switches them on (but
 * for two), so that a client can be tried against what it will meet; each can also be switched alone. A difference that
 * is not in this table is not reproduced.
 */
export interface Defect {
  /** What the real server does. */
  readonly does: string;
  /** Where that was seen: a section of the contract, or a capture and the exchange in it. */
  readonly source: string;
}

function defect(does: string, source: string): Defect {
  return { does, source };
}

export const DEFECTS = {
  storesWrongBytes: defect(
    'blob/push keeps whatever comes under the given name; the size is compared only when the form has it',
    'contract §11 "Who checks bytes"; wire-wrong-sha256 "sha256 field does not belong to the bytes"',
  ),
  skipsStoredName: defect(
    'a name that is stored already is not written again: wrong bytes stay, the right ones are dropped',
    'contract §11 "Who checks bytes"',
  ),
  chunkedSizeReplacesDigest: defect(
    'the chunked finish with size compares the size alone; without size it compares sha256',
    'contract §2.8, §11 "Who checks bytes"',
  ),
  unknownUploadIsServerError: defect(
    'PATCH or PUT of an unknown upload session answers 500, 251101',
    'contract §11 "Protocol details"; rest-replica-server "PATCH unknown session"',
  ),
  rangeOfRefusedChunk: defect(
    'the Range of a 416 tells the length of the refused request, not what is stored',
    'rest-replica-server "PATCH without Content-Range", "PATCH wrong start"',
  ),
  nodeWithoutBlob: defect(
    'node/create accepts a digest that is not stored, or no digest at all in form',
    'contract §2.6, §11; wire-wrong-sha256 "node/create for a sha256 that is not stored"',
  ),
  nodeSizeUnchecked: defect(
    'node/create believes the size, and takes a missing one as 0',
    'contract §11 "Protocol details"; rest-replica-server "node/create without size"',
  ),
  duplicateInsertIsSuccess: defect(
    'a node/create that loses the race for a path is answered with the requested node and code 0',
    'contract §11 "From bk-repo\'s source"',
  ),
  modifierIsCreator: defect(
    'lastModifiedBy of node/create is stored as createdBy',
    'contract §2.6, §11; rest-replica-server "node/create file with map metadata, other createdBy/lastModifiedBy"',
  ),
  federationRules: defect(
    'node/create with source: same digest merges metadata only; a newer or equal target stays and 200 is answered; a ' +
      'delete with source does nothing, and answers 200, when the target was made or changed after deletedDate',
    'contract §11 "From bk-repo\'s source"; bk-repo\'s ArtifactReplicaController',
  ),
  checkMayDeny: defect(
    'blob/check answers false for a blob that is there',
    'contract §11 "Protocol details" (default of the one-process edition)',
  ),
  metadataCallsOpen: defect(
    'the metadata calls under /replica ask for no credentials and no permission',
    'contract §11 "Protocol details"; wire-permission "[anonymous] …"',
  ),
  blobCallsNeedAdmin: defect('blob calls are for administrators only', 'wire-permission "blob/check as non-admin"'),
  searchHidesUnreadable: defect(
    'node/search leaves out paths that the account may not read, without a word',
    'contract §11 "From bk-repo\'s source"',
  ),
  offsetIgnored: defect('the offset of a date in a request is ignored', 'contract §1.3'),
  localZoneDates: defect(
    'dates are local to a server whose clock stands at +08:00, unless another zone is configured',
    'contract §1.3, §11 "Reading a far side in bulk"',
  ),
  relativeLocation: defect(
    'Location of an upload is <application name>/replica/…, without host and leading slash',
    'contract §2.8; wire-chunked-upload',
  ),
  passwordCutAtColon: defect('a password is cut at its first colon', 'contract §1.2'),
  absentClearsPackage: defect(
    'package/version/create without packageDescription or packageExtension sets them to null',
    'contract §11 "From bk-repo\'s source"',
  ),
  versionExtensionReplacesPackage: defect(
    "package/version/create sets the package's extension to the version's extension, whatever packageExtension says",
    'bk-repo\'s PackageServiceImpl.createPackageVersion; fixture "What did not arrive": helm loses package.extension',
  ),
  deletesNotLogged: defect(
    'no deletion of a node is written to operate_log',
    'contract §4.1: the class and its listener exist, but nothing publishes the event',
  ),
  resourceKeysAsGiven: defect(
    'the resourceKey of an event has the path as the caller wrote it: without its first slash, with a last one',
    'fixture "Operation → entries of artifact_oplog_YYYYMM"',
  ),
  missingFileIsServerError: defect(
    'blob/push without a file part answers 500, 250102',
    'wire-wrong-sha256 "direct push: file part missing"',
  ),
} as const satisfies Readonly<Record<string, Defect>>;

export type DefectName = keyof typeof DEFECTS;
export type Defects = Readonly<Record<DefectName, boolean>>;

export const DEFECT_NAMES = Object.keys(DEFECTS) as readonly DefectName[];

/**
 * Left out of `faithful`: one edition alone shows the first and makes every blob cross again, and the second only makes
 * some passwords useless.
 */
const SWITCHED_ALONE: ReadonlySet<DefectName> = new Set<DefectName>(['checkMayDeny', 'passwordCutAtColon']);

/** The switches of one server; `switched` wins over `faithful`. */
export function selectDefects(faithful: boolean, switched: Partial<Defects> = {}): Defects {
  const base = Object.fromEntries(DEFECT_NAMES.map((name) => [name, faithful && !SWITCHED_ALONE.has(name)]));
  return { ...(base as Defects), ...switched };
}
