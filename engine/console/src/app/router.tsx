import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  type RouterHistory,
} from "@tanstack/react-router";
import { RISKS, type RiskName } from "../api/queries";
import { Lost } from "../pages/Lost";
import { Overview } from "../pages/Overview";
import { Shell } from "./Shell";

const root = createRootRoute({
  component: () => (
    <Shell>
      <Outlet />
    </Shell>
  ),
  notFoundComponent: Lost,
});

export const BY = ["id", "email", "phone", "order"] as const;
export type By = (typeof BY)[number];

const overview = createRoute({ getParentRoute: () => root, path: "/", component: Overview });

const customers = createRoute({
  getParentRoute: () => root,
  path: "/customers",
  component: lazyRouteComponent(() => import("../pages/Customers"), "Customers"),
  validateSearch: (search): { by?: By; head?: RiskName } => ({
    ...(BY.some((by) => by === search.by) ? { by: search.by as By } : {}),
    ...(RISKS.some((head) => head === search.head) ? { head: search.head as RiskName } : {}),
  }),
});

const customer = createRoute({
  getParentRoute: () => root,
  path: "/customers/$id",
  component: lazyRouteComponent(() => import("../pages/Customer"), "Customer"),
});

const conversations = createRoute({
  getParentRoute: () => root,
  path: "/conversations",
  component: lazyRouteComponent(() => import("../pages/Conversations"), "Conversations"),
});

const conversation = createRoute({
  getParentRoute: () => conversations,
  path: "$id",
  component: lazyRouteComponent(() => import("../pages/talk/Thread"), "Thread"),
});

const triggers = createRoute({
  getParentRoute: () => root,
  path: "/triggers",
  component: lazyRouteComponent(() => import("../pages/Triggers"), "Triggers"),
});

const letters = createRoute({
  getParentRoute: () => root,
  path: "/dead-letters",
  component: lazyRouteComponent(() => import("../pages/Letters"), "Letters"),
});

const health = createRoute({
  getParentRoute: () => root,
  path: "/health",
  component: lazyRouteComponent(() => import("../pages/Health"), "Health"),
});

const routeTree = root.addChildren([
  overview,
  customers,
  customer,
  conversations.addChildren([conversation]),
  triggers,
  letters,
  health,
]);

/** Returns every page of the console; a test gives a history of its own. */
export const makeRouter = (options: { history?: RouterHistory } = {}) =>
  createRouter({ routeTree, basepath: "/console", defaultPreload: "intent", scrollRestoration: true, ...options });

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
