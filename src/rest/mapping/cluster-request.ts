/**
 * The body of a new cluster as a spec and the credentials that go into its Secret (contract §1.5).
 *
 * Guaranteed: complaints in bk-repo's order of checks; the password is in `credentials` only; a url that carries a user
 * or a password is refused without being shown. Not judged here: whether the name is free, whether a centre is there
 * already (250309), whether the far side answers (250301).
 */
import { ACCOUNT_ANNOTATION } from '../../api/names.ts';
import { type Credentials, credentialsSecretName, type SpecDraft } from '../../resources/editor.ts';
import type { Complaint } from '../codes.ts';
import type { ClusterContentBody, ClusterCreateBody } from '../schemas/cluster-bodies.ts';
import type { ConnectTestBody } from '../schemas/task-bodies.ts';
import { isGiven, isSaid, note, noteUnlessName, noteUnlessSaid, noteUnlessText, refuse } from './complaints.ts';
import { resourceName } from './resource-name.ts';

export interface ClusterRequest {
  readonly spec: SpecDraft<'Cluster'>;
  /** For the Secret that the spec names; undefined = nothing to write. */
  readonly credentials: Credentials | undefined;
  /** To be set, or removed (null); what is not named stays. */
  readonly annotations: Readonly<Record<typeof ACCOUNT_ANNOTATION, string | null>> | undefined;
  /** Whether the far side is asked first. */
  readonly ping: boolean;
}

/** For a Cluster named `resourceName(body.name)`. @throws {RestError} 250103, 250104, 250105 */
export function clusterRequest(body: ClusterCreateBody): ClusterRequest {
  const complaints: Complaint[] = [];
  const named = noteUnlessSaid(complaints, 'name', body.name);
  const addressed = noteUnlessSaid(complaints, 'url', body.url);
  if (named) noteUnlessName(complaints, body.name);
  const url = addressed ? clusterUrl(body.url, complaints) : '';
  noteUnsupported(complaints, body);
  const credentials = credentialsOf(body, complaints);
  noteUnlessText(complaints, 'certificate', body.certificate);
  refuse(complaints);
  return {
    spec: {
      name: body.name,
      type: body.type,
      url,
      ...(isGiven(body.certificate) && isSaid(body.certificate) ? { certificate: body.certificate } : {}),
      ...(credentials === undefined
        ? {}
        : { credentialsSecretRef: { name: credentialsSecretName(resourceName(body.name)) } }),
    },
    credentials,
    annotations: credentials === undefined ? undefined : { [ACCOUNT_ANNOTATION]: credentials.username },
    ping: body.ping !== false,
  };
}

/** A far side to be asked that is not stored; without a name it is called `test`. @throws {RestError} */
export function connectTestRequest({ name, url, ...content }: ConnectTestBody): ClusterRequest {
  return clusterRequest({
    ...content,
    name: isGiven(name) && isSaid(name) ? name : 'test',
    url: url ?? '',
    type: 'STANDALONE',
  });
}

/** What this program cannot do is refused rather than ignored: the far side would not be reached as was meant. */
export function noteUnsupported(complaints: Complaint[], body: ClusterContentBody): void {
  const { appId, accessKey, secretKey } = body;
  for (const [field, value] of Object.entries({ appId, accessKey, secretKey }))
    if (isSaid(value)) note(complaints, 'parameterInvalid', field, 'signed requests are not supported');
  if (isGiven(body.udpPort)) note(complaints, 'parameterInvalid', 'udpPort', 'UDP transfer is not supported');
  if (body.detectType === 'REPORT')
    note(complaints, 'parameterInvalid', 'detectType', 'only PING is supported: far sides do not report');
}

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;

/** Trimmed, and with `http://` before one that has no scheme. What is wrong with it is told without showing it. */
export function clusterUrl(text: string, complaints: Complaint[]): string {
  const trimmed = text.trim();
  const scheme = SCHEME.exec(trimmed)?.[1];
  const rest = scheme === undefined ? trimmed : trimmed.slice(scheme.length + 3);
  const url = `${scheme?.toLowerCase() ?? 'http'}://${rest}`;
  const reason = urlFault(url, rest);
  if (reason !== undefined) note(complaints, 'parameterInvalid', 'url', reason);
  return url;
}

function urlFault(url: string, rest: string): string | undefined {
  if (!/^https?:/.test(url)) return 'it must start with http:// or https://';
  if (/^[^/?#]*@/.test(rest)) return 'it must not carry a user or password: give username and password';
  if (/[?#]/.test(rest)) return 'it must have neither query nor fragment';
  if (/\s/.test(url) || !url.isWellFormed() || !URL.canParse(url)) return 'it is no url';
  return undefined;
}

/** Both, or neither; an empty username is none. */
function credentialsOf({ username, password }: ClusterContentBody, complaints: Complaint[]): Credentials | undefined {
  if (!isSaid(username) && !isSecret(password)) return undefined;
  noteUnlessSaid(complaints, 'username', username);
  if (!isSecret(password)) note(complaints, isGiven(password) ? 'parameterEmpty' : 'parameterMissing', 'password');
  noteUnlessAccount(complaints, username, password);
  return { username: username ?? '', password: password ?? '' };
}

/** A password may consist of blanks. */
export function isSecret(password: string | null | undefined): boolean {
  return isGiven(password) && password !== '';
}

/** What HTTP Basic cannot carry. */
export function noteUnlessAccount(
  complaints: Complaint[],
  username: string | null | undefined,
  password: string | null | undefined,
): void {
  if (isGiven(username) && /[:\p{Cc}]/u.test(username))
    note(complaints, 'parameterInvalid', 'username', 'it must hold neither a colon nor control characters');
  if (isGiven(password) && /\p{Cc}/u.test(password))
    note(complaints, 'parameterInvalid', 'password', 'it must not hold control characters');
  noteUnlessText(complaints, 'username', username);
  noteUnlessText(complaints, 'password', password);
}
