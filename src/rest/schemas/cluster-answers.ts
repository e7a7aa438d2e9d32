/** What answers say of clusters: the fields of all generations except secrets, nulls included (contract §1.5). */
export interface ClusterNodeInfo {
  readonly id: string;
  readonly name: string;
  readonly status: 'HEALTHY' | 'UNHEALTHY';
  readonly errorReason: string | null;
  readonly type: string;
  readonly url: string;
  readonly username: string | null;
  readonly certificate: string | null;
  readonly appId: null;
  readonly accessKey: null;
  readonly udpPort: null;
  readonly createdBy: string;
  readonly extension: null;
  readonly createdDate: string;
  readonly lastModifiedBy: string;
  readonly lastModifiedDate: string;
  readonly detectType: 'PING';
  readonly lastReportTime: null;
}
