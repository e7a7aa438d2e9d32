/**
 * The body of an update onto the Cluster that is there (contract §1.5). What REST does not know stays; a password that is
 * left out stays too, because no answer ever showed it.
 */
import type { Cluster } from '../../api/cluster.gen.ts';
import { ACCOUNT_ANNOTATION } from '../../api/names.ts';
import { type Credentials, credentialsSecretName, type SpecDraft } from '../../resources/editor.ts';
import type { Complaint } from '../codes.ts';
import type { ClusterUpdateBody } from '../schemas/cluster-bodies.ts';
import { accountOf } from './cluster-info.ts';
import { type ClusterRequest, clusterUrl, isSecret, noteUnlessAccount, noteUnsupported } from './cluster-request.ts';
import { isGiven, isSaid, note, noteUnlessSaid, noteUnlessText, refuse } from './complaints.ts';

/** @throws {RestError} 250103, 250104, 250105 */
export function updatedCluster(body: ClusterUpdateBody, cluster: Cluster): ClusterRequest {
  const complaints: Complaint[] = [];
  const url = noteUnlessSaid(complaints, 'url', body.url) ? clusterUrl(body.url ?? '', complaints) : '';
  noteUnsupported(complaints, body);
  const access = accessAfter(body, cluster, complaints);
  noteUnlessText(complaints, 'certificate', body.certificate);
  refuse(complaints);
  const { certificate: _certificate, credentialsSecretRef: _reference, ...rest } = cluster.spec;
  return {
    ...access,
    spec: {
      ...withCertificate(rest, body.certificate),
      type: body.type,
      url,
      ...access.spec,
    },
    ping: true,
  };
}

/** One from the body takes the place of those that are named elsewhere; "" and none leave those alone. */
function withCertificate(spec: SpecDraft<'Cluster'>, certificate: string | null | undefined): SpecDraft<'Cluster'> {
  if (!isGiven(certificate) || !isSaid(certificate)) return spec;
  const { caSecretRef: _secret, caConfigMapRef: _configMap, ...others } = spec;
  return { ...others, certificate };
}

type Access = Pick<ClusterRequest, 'credentials' | 'annotations'> & { readonly spec: SpecDraft<'Cluster'> };

function accessAfter(body: ClusterUpdateBody, cluster: Cluster, complaints: Complaint[]): Access {
  const { metadata, spec } = cluster;
  const { username, password } = body;
  const { credentialsSecretRef } = spec;
  const account = accountOf(cluster);
  if (isSecret(password)) {
    const credentials: Credentials = {
      username: (isSaid(username) ? username : account) ?? '',
      password: password ?? '',
    };
    noteUnlessSaid(complaints, 'username', credentials.username === '' ? username : credentials.username);
    noteUnlessAccount(complaints, credentials.username, password);
    return {
      spec: { credentialsSecretRef: { name: credentialsSecretName(metadata.name) } },
      credentials,
      annotations: { [ACCOUNT_ANNOTATION]: credentials.username },
    };
  }
  if (!isGiven(username) || username === account)
    return {
      spec: credentialsSecretRef === undefined ? {} : { credentialsSecretRef },
      credentials: undefined,
      annotations: undefined,
    };
  if (isSaid(username)) note(complaints, 'parameterMissing', 'password', 'another account has another password');
  return { spec: {}, credentials: undefined, annotations: { [ACCOUNT_ANNOTATION]: null } };
}
