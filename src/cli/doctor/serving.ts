/** What the installation itself serves: the certificate of its REST API. */
import { X509Certificate } from 'node:crypto';

import type { Ambience } from '../../compose/installation.ts';
import { readText } from '../../compose/secrets.ts';
import { type Check, certificateFinding } from './check.ts';

export function servingChecks({ config, clock }: Pick<Ambience, 'config' | 'clock'>): readonly Check[] {
  const { enabled, tls } = config.rest;
  const { certFile } = tls;
  if (!enabled) return [];
  return [
    {
      name: 'REST certificate',
      remedy: 'put a certificate in PEM form where rest.tls.certFile says',
      look: async () => {
        if (certFile === undefined)
          return {
            result: 'warning',
            message: 'REST is served without TLS: passwords travel in the clear',
            remedy: 'set rest.tls.certFile and rest.tls.keyFile, or serve it only behind something that ends TLS',
          };
        const { validToDate } = new X509Certificate(readText('rest.tls.certFile', certFile));
        return certificateFinding(`the certificate ${certFile}`, validToDate, clock.now());
      },
    },
  ];
}
