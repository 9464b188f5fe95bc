import { QueryCache, QueryClient } from "@tanstack/react-query";
import createClient, { type Middleware } from "openapi-fetch";
import { getKey, setKey } from "../app/session";
import { Problem } from "./problem";
import type { paths } from "./schema";

/** Shows the key of this tab, and makes a `Problem` of whatever is no success. */
const guard: Middleware = {
  onRequest({ request }) {
    const key = getKey();
    if (key !== null) request.headers.set("Authorization", `Bearer ${key}`);
    return request;
  },
  async onResponse({ response }) {
    if (response.ok) return;
    const body: unknown = await response.json().catch(() => null);
    throw Problem.of(response.status, body);
  },
  onError() {
    return Problem.unreachable();
  },
};

/** The engine's API, typed by its document. Every call answers with `data` or throws a `Problem`. */
export const api = createClient<paths>({
  baseUrl: location.origin,
  cache: "no-store",
  // Else a browser answers "401, Basic" by a dialog of its own.
  credentials: "omit",
  fetch: (request) => fetch(request),
});
api.use(guard);

/** Returns what a call answered. */
export async function answered<T>(call: Promise<{ data?: T }>): Promise<T> {
  const { data } = await call;
  return data as T;
}

/** A key that is no longer in force opens nothing more: the page asks for another. */
function leaveWhenSignedOut(error: unknown): void {
  if (error instanceof Problem && error.isSignedOut && getKey() !== null) {
    setKey(null, "refused");
    queries.clear();
  }
}

/** What was asked, kept while it is fresh. A refusal is final; what may pass is tried twice more. */
export const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: leaveWhenSignedOut }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (tries, error) => tries < 2 && error instanceof Problem && (error.status === 0 || error.status >= 500),
    },
  },
});
