/** Every key of the configuration, with its default and what it means. What may be wrong with values is said in config.ts. */
import { z } from 'zod';

const text = z.string().min(1);
const port = z.int().min(0).max(65_535);
const seconds = z.number().positive().max(86_400);

const mongodb = (database: string, what: string) => ({
  uri: text
    .optional()
    .describe(`MongoDB connection string of ${what}. It holds a password: better from the environment or uriFile.`),
  uriFile: text.optional().describe('File that holds the connection string, instead of uri.'),
  database: text.default(database).describe('Name of the database.'),
});

const source = z
  .strictObject({
    mongodb: z
      .strictObject({
        ...mongodb(
          'bkrepo',
          "the source's database; an account with the role `read` is enough. Its `readPreference` counts for counting only, all else is read from the primary",
        ),
        shardCount: z.int().min(1).max(65_536).default(256).describe("bk-repo's `sharding.count`."),
      })
      .prefault({})
      .describe("The local bk-repo's metadata."),
    storage: z
      .strictObject({
        filesystem: z
          .strictObject({
            path: text.describe('Root of the store: blobs lie at `<path>/aa/bb/<sha256>`.'),
            cachePath: text.optional().describe('Root of the local cache, looked through before the store.'),
          })
          .optional()
          .describe('A store in a file system.'),
        s3: z
          .strictObject({
            endpoint: text.describe('URL, or a host name (then https).'),
            region: text.describe('Region of the bucket.'),
            bucket: text.describe('Name of the bucket.'),
            accessKey: text.describe('Access key id.'),
            secretKey: text.optional().describe('Secret key: better from the environment or secretKeyFile.'),
            secretKeyFile: text.optional().describe('File that holds the secret key, instead of secretKey.'),
            cachePath: text.optional().describe('Root of the local cache, looked through before the bucket.'),
          })
          .optional()
          .describe('A store in S3.'),
      })
      .prefault({})
      .refine((storage) => storage.filesystem === undefined || storage.s3 === undefined, {
        message: 'filesystem and s3 exclude each other',
      })
      .describe('The default storage of the local bk-repo. Without one, blobs come from `source.http`.'),
    http: z
      .strictObject({
        url: text.describe("The local bk-repo's replication service, like `https://bkrepo.example.com/replication`."),
        username: text.describe('Account that may read blobs.'),
        password: text.optional().describe('Its password: better from the environment or passwordFile.'),
        passwordFile: text.optional().describe('File that holds the password, instead of password.'),
        caFile: text.optional().describe('PEM file of a private certificate authority.'),
      })
      .optional()
      .describe(
        'The local bk-repo over HTTP, which can read any storage: the last place that is looked in for a blob.',
      ),
    feed: z
      .strictObject({
        operateLog: text
          .max(120)
          .optional()
          .describe('Collection of the operation log. Default: `operate_log` or `operation_log`, whichever is there.'),
        convertOperateLog: z
          .boolean()
          .default(false)
          .describe(
            'Whether an operation log that is not capped is converted, which discards its oldest entries; the account then needs the right `convertToCapped`.',
          ),
        operateLogHours: z
          .number()
          .positive()
          .max(8_760)
          .default(24)
          .describe('Hours of history that an operation log shall hold: its size is judged, and suggested, by this.'),
      })
      .prefault({})
      .describe('Where REAL_TIME tasks learn of changes.'),
    pathMap: z
      .array(z.strictObject({ from: text, to: text }))
      .max(64)
      .default([])
      .describe("Directories named by bk-repo's configuration (`from`) and where they are mounted here (`to`)."),
  })
  .prefault({})
  .describe('The local bk-repo, from which everything is copied.');

const policy = z
  .strictObject({
    rules: z
      .array(
        z.strictObject({
          namespaces: z.array(text).min(1).max(256),
          projects: z.array(text).min(1).max(256),
          hosts: z.array(text).min(1).max(256),
        }),
      )
      .max(256)
      .default([])
      .describe(
        'Who may copy what: each rule lets `namespaces` copy `projects` to `hosts`; `*` stands for anything, hosts are names, `*.example.com`, addresses, CIDR ranges or `*`. Without rules the own namespace may use everything, others nothing.',
      ),
    allowLoopback: z.boolean().default(false).describe('Whether far sides may be on this machine (127.0.0.0/8, ::1).'),
    allowLinkLocal: z
      .boolean()
      .default(false)
      .describe('Whether far sides may have link-local addresses (169.254.0.0/16, fe80::/10).'),
    allowedAddresses: z
      .array(text)
      .max(256)
      .default([])
      .describe('More addresses and CIDR ranges that are allowed although they are special (multicast, unspecified).'),
    proxies: z.array(text).max(64).default([]).describe('Proxies that a Cluster may name, as `http://host:port`.'),
  })
  .prefault({})
  .describe('What tasks may copy, and which hosts may be reached.');

const engine = z
  .strictObject({
    concurrency: z
      .int()
      .min(1)
      .max(4_096)
      .default(64)
      .describe(
        'Requests under way to all far sides together; no far side holds more of them than it leaves free. Per far side see `Cluster.spec.limits.concurrency`.',
      ),
    patienceSeconds: seconds
      .default(120)
      .describe('How long a far side or the source may be silent before a run gives it up.'),
    attempts: z.int().min(1).max(100).default(5).describe('Tries of one request while the other side answers.'),
    backoffBaseMs: z
      .int()
      .min(1)
      .max(60_000)
      .default(500)
      .describe('Milliseconds before the first retry; then doubled.'),
    backoffCapMs: z.int().min(1).max(600_000).default(30_000).describe('Most milliseconds between two retries.'),
    pageSize: z.int().min(1).max(4_000).default(1_000).describe('Files compared with one question.'),
    settleSize: z.int().min(1).max(4_000).default(200).describe('Files read back and recorded together.'),
    drainSeconds: seconds
      .default(20)
      .describe(
        'Time that transfers under way get to finish when a run is told to stop; less than `shutdown.graceSeconds`.',
      ),
  })
  .prefault({})
  .describe('How runs work.');

const rest = z
  .strictObject({
    enabled: z.boolean().default(false).describe("Whether bk-repo's replication REST API is served."),
    host: text.optional().describe('Address to listen on. Default: all.'),
    port: port.default(8443).describe('Port to listen on; 0 is chosen by the system.'),
    namespace: text
      .max(63)
      .optional()
      .describe('Where Clusters, and tasks of projects that `projects` does not name, are made. Default: the own one.'),
    projects: z
      .array(z.strictObject({ projects: z.array(text).min(1).max(256), namespace: text.max(63) }))
      .max(256)
      .default([])
      .describe(
        'Namespaces by project: each rule puts the tasks of `projects` (`*` stands for anything) into `namespace`; the first that fits counts.',
      ),
    timeZone: text
      .max(64)
      .default('UTC')
      .describe('Zone of dates in requests and answers, which carry none: IANA name or `+08:00`.'),
    tls: z
      .strictObject({
        certFile: text.optional().describe('PEM file of the certificate and its chain; read again when it changes.'),
        keyFile: text.optional().describe('PEM file of its private key; read again when it changes.'),
      })
      .prefault({})
      .refine((tls) => (tls.certFile === undefined) === (tls.keyFile === undefined), {
        message: 'certFile and keyFile go together',
      })
      .describe('TLS. Without it passwords travel in the clear: only behind something that ends TLS.'),
    users: z
      .strictObject({
        file: text
          .optional()
          .describe(
            'YAML file of users with password hashes (docs/rest.md), usually a mounted Secret; read again when it changes.',
          ),
      })
      .prefault({})
      .describe('Callers with user name and password.'),
    tokens: z
      .strictObject({
        enabled: z
          .boolean()
          .optional()
          .describe(
            "Whether Kubernetes tokens are accepted. Default: as operator, if the operator's ServiceAccount may review them.",
          ),
        audience: text.max(253).default('bkrepo-replicator').describe('Audience that tokens must be made for.'),
        acceptApiServerAudience: z
          .boolean()
          .default(false)
          .describe('Whether tokens made for the API server are accepted, too: who gets one here could use it there.'),
        cacheSeconds: z
          .number()
          .min(0)
          .max(60)
          .default(10)
          .describe('How long answers about tokens and rights are kept.'),
      })
      .prefault({})
      .describe('Callers with Kubernetes tokens.'),
    cors: z
      .strictObject({
        origins: z.array(text).max(64).default([]).describe('Origins whose pages may call; empty: none.'),
      })
      .prefault({})
      .describe('Calls from web pages of other origins.'),
    bodyLimitBytes: z.int().min(1_024).max(1_048_575).default(786_432).describe('Largest request body.'),
    requestTimeoutSeconds: seconds.default(30).describe('Time in which a request must have arrived, and be answered.'),
  })
  .prefault({})
  .describe("bk-repo's replication REST API over the same resources (docs/rest.md).");

export const configSchema = z.strictObject({
  installationId: text
    .max(253)
    .optional()
    .describe(
      'Stable name of this installation in the journal and in `status.servedBy`. Default: `instance`, or `default`.',
    ),
  instance: text
    .max(63)
    .optional()
    .describe(
      'Only objects with this value of the label `replication.bkrepo.io/instance`. Default: objects without the label.',
    ),
  watchNamespaces: z.array(text).max(1_000).default([]).describe('Namespaces that are served. Empty: all.'),
  namespace: text
    .max(63)
    .optional()
    .describe("The program's own namespace. Default: the pod's; standalone, `default`."),
  source,
  journal: z
    .strictObject({
      mongodb: z
        .strictObject(mongodb('bkrepo_replicator', 'the journal; an account with `readWrite` on it'))
        .prefault({}),
    })
    .prefault({})
    .describe('Records of runs, in a database of their own.'),
  policy,
  schedule: z
    .strictObject({
      timeZone: text
        .max(64)
        .default('UTC')
        .describe('IANA name of the time zone of tasks that name none in `setting.executionPlan.timeZone`.'),
      startingDeadlineSeconds: z
        .int()
        .min(10)
        .max(31_536_000)
        .default(86_400)
        .describe('How late a missed run is made up for, where the task has no `startingDeadlineSeconds`.'),
    })
    .prefault({})
    .describe('When tasks run.'),
  records: z
    .strictObject({
      maxRunsPerTask: z
        .int()
        .min(10)
        .max(100_000)
        .default(1_000)
        .describe('Most ended runs kept of one task, whatever their age; `spec.recordReserveDays` bounds the age.'),
    })
    .prefault({})
    .describe('How many records of runs are kept.'),
  engine,
  rest,
  kubernetes: z
    .strictObject({
      kubeconfig: text.optional().describe('A kubeconfig file. Default: KUBECONFIG, the home directory, or the pod.'),
      context: text.optional().describe('A context of that file other than its current one.'),
      inCluster: z.boolean().default(false).describe("Use the pod's service account and look nowhere else."),
      serviceAccountRoot: text
        .optional()
        .describe("Put before the service account's directory, for a process that is no pod."),
    })
    .prefault({})
    .describe('How the API server is reached (operator).'),
  lease: z
    .strictObject({
      name: text
        .max(253)
        .optional()
        .describe(
          'Name of the Lease. Default: `bkrepo-replicator`, with a hash where `instance` or `watchNamespaces` are set.',
        ),
      durationSeconds: z.int().min(1).max(3_600).default(15).describe('How long others wait for a silent holder.'),
      renewSeconds: seconds.default(10).describe('How long the holder goes on without a renewal.'),
      retrySeconds: seconds.default(2).describe('Time between attempts.'),
    })
    .prefault({})
    .describe('Leader election (operator).'),
  probes: z
    .strictObject({
      host: text.optional().describe('Address to listen on. Default: all.'),
      port: port
        .optional()
        .describe(
          'Port of `/healthz` and `/readyz`; 0 is chosen by the system. Default: 9440 as operator, none standalone.',
        ),
    })
    .prefault({})
    .describe('Health probes.'),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error'])
        .default('info')
        .describe('Least level that is logged; may be changed while the program works (docs/logging.md).'),
      format: z
        .enum(['json', 'text', 'pretty'])
        .optional()
        .describe('As `--log-format`. Default: `json` as operator, else `text`.'),
    })
    .prefault({})
    .describe('The log, on standard error.'),
  shutdown: z
    .strictObject({ graceSeconds: seconds.default(30).describe('Time to stop in good order after SIGTERM.') })
    .prefault({})
    .describe('Stopping.'),
  standalone: z
    .strictObject({
      dir: text.optional().describe('Directory of YAML files; as `--dir`.'),
      state: text.optional().describe('Directory of state; as `--state`.'),
      rescanSeconds: seconds.default(10).describe('Time between two looks at the directory without a notification.'),
    })
    .prefault({})
    .describe('The mode without Kubernetes.'),
  peer: z
    .strictObject({
      host: text.default('127.0.0.1').describe('Address to listen on.'),
      port: port.default(8080).describe('Port to listen on; 0 is chosen by the system.'),
      mongodb: z
        .strictObject({
          ...mongodb('bkrepo', 'the bk-repo database that is written'),
          shardCount: z.int().min(1).max(65_536).default(256).describe("bk-repo's `sharding.count`."),
        })
        .prefault({})
        .describe('The database.'),
      storePath: text.optional().describe('Root of the file-system store.'),
      users: z
        .array(
          z.strictObject({
            username: text,
            password: z.string().optional(),
            passwordFile: text.optional(),
            admin: z.boolean().default(false),
            projects: z.array(text).max(10_000).default([]),
          }),
        )
        .max(1_000)
        .default([])
        .describe('Accounts: `username`, `password` or `passwordFile`, `admin`, or the `projects` it may use.'),
      timeZone: text
        .optional()
        .describe('Zone of dates on the wire: IANA name or `+08:00`. Default: UTC, faithful `+08:00`.'),
      faithful: z.boolean().default(false).describe("Whether real servers' defects are reproduced; as `--faithful`."),
      eventLog: z
        .enum(['operate_log', 'artifact_oplog'])
        .optional()
        .describe(
          'The log of changes to write, as a real server of that generation does: `operate_log`, or `artifact_oplog` for `artifact_oplog_YYYYMM`. Default: none.',
        ),
      operateLogBytes: z
        .int()
        .min(4096)
        .max(2 ** 40)
        .default(64 << 20)
        .describe('Size of the capped `operate_log` that is made when there is none.'),
    })
    .prefault({})
    .describe('The receiving side (peer).'),
});
