/** Schemas of the bodies that make and change clusters (contract §1.5). Types: cluster-bodies.ts. */
import { boundsOf, flag, integer, object, optional, text } from './json-schema.ts';

const unsupported = (description: string) => optional(text(`${description} Refused with 250105 unless it is empty.`));

const name = text('Name of the cluster, 2 to 256 characters, unique.', { examples: ['shanghai'] });
const url = text('Address of the replication service; `http://` is put before one without scheme.', {
  ...boundsOf('Cluster', 'url'),
  examples: ['http://bkrepo.example.com/replication'],
});
const type = text('Role of the far side.', { ...boundsOf('Cluster', 'type'), examples: ['STANDALONE'] });

const content = {
  certificate: optional(
    text('Certificates of the authorities of its TLS certificate, as PEM text. Default: those of the system.', {
      ...boundsOf('Cluster', 'certificate'),
      examples: [null],
    }),
  ),
  username: optional(text('Account that writes there. Default: none.', { maxLength: 1_024, examples: ['admin'] })),
  password: optional(text('Its password, which no answer ever holds.', { maxLength: 4_096, examples: ['password'] })),
  appId: unsupported('Application of signed requests.'),
  accessKey: unsupported('Access key of signed requests.'),
  secretKey: unsupported('Secret key of signed requests.'),
  udpPort: optional(integer('Port of the UDP transfer. Refused with 250105.')),
  detectType: optional(
    text('How its health is found out; REPORT is refused with 250105. Default: PING.', {
      enum: ['PING', 'REPORT'],
      examples: ['PING'],
    }),
  ),
};

export const CLUSTER_CREATE_BODY = object(
  'A cluster to be created.',
  {
    name,
    url,
    type,
    ...content,
    ping: optional(flag('Whether it is asked first. Default: true.', { examples: [true] })),
  },
  {
    examples: [
      {
        name: 'shanghai',
        url: 'http://bkrepo.example.com',
        certificate: null,
        username: 'username',
        password: 'password',
        type: 'EDGE',
      },
      {
        name: 'far',
        url: 'http://127.0.0.1:18090/replication',
        type: 'STANDALONE',
        username: 'admin',
        password: 'password',
      },
    ],
  },
);

export const CLUSTER_UPDATE_BODY = object(
  'The new content of the cluster with this name. A password that is left out stays.',
  { name, type, url: optional(url), ...content },
  {
    examples: [
      {
        name: 'far',
        type: 'STANDALONE',
        url: 'http://127.0.0.1:18090/replication',
        username: 'admin',
        password: 'password',
      },
    ],
  },
);

export const TRY_CONNECT_BODY = object(
  'The cluster to be asked, unless the query names it.',
  { name: optional(name) },
  { examples: [{ name: 'shanghai' }] },
);
