/** Below which paths the endpoints of tasks lie: the present generation's, and the two of the old one (contract §1.6). */
export const TASK_BASE = '/api/task';
export const OLD_TASK_BASES = ['/api/task/cluster', '/api/task/blob'] as const;
export const TASK_BASES = [TASK_BASE, ...OLD_TASK_BASES] as const;
