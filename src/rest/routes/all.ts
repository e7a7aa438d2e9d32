/** Every endpoint of contract §1.5–§1.10. */
import type { Route } from '../http.ts';
import { clusterChangeRoutes } from './cluster-changes.ts';
import { clusterRoutes } from './clusters.ts';
import { connectRoutes } from './connect.ts';
import { Pings } from './pings.ts';
import { recordRoutes } from './records.ts';
import { taskChangeRoutes } from './task-changes.ts';
import { taskControlRoutes } from './task-control.ts';
import { taskRoutes } from './tasks.ts';

const ALL: Route = (app, context) => {
  const pings = new Pings(context.farSides, context.clock);
  clusterRoutes(app, context);
  clusterChangeRoutes(app, context, pings);
  connectRoutes(app, context, pings);
  taskRoutes(app, context);
  taskChangeRoutes(app, context, pings);
  taskControlRoutes(app, context);
  recordRoutes(app, context);
};

export const ROUTES: readonly Route[] = [ALL];
