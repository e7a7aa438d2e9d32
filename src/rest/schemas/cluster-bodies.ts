/** Types of the bodies that make and change clusters (contract §1.5), after the schemas were checked; null counts as absent. */
import type { ClusterSpec } from '../../api/cluster.gen.ts';

export interface ClusterContentBody {
  readonly name: string;
  readonly url?: string | null;
  readonly certificate?: string | null;
  readonly username?: string | null;
  readonly password?: string | null;
  readonly appId?: string | null;
  readonly accessKey?: string | null;
  readonly secretKey?: string | null;
  readonly udpPort?: number | null;
  readonly detectType?: 'PING' | 'REPORT' | null;
}

export interface ClusterCreateBody extends ClusterContentBody {
  readonly url: string;
  readonly type: ClusterSpec['type'];
  readonly ping?: boolean | null;
}

/** `name` says which cluster; it cannot be changed. */
export interface ClusterUpdateBody extends ClusterContentBody {
  readonly type: ClusterSpec['type'];
}

export interface TryConnectBody {
  readonly name?: string | null;
}
