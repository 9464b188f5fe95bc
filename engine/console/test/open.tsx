import { QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import { vi } from "vitest";
import { queries } from "../src/api/client";
import { makeRouter } from "../src/app/router";
import { type Role, setKey } from "../src/app/session";
import { LanguageProvider } from "../src/i18n/context";

/** What the engine answers, by method and path; everything else is a problem. */
export type Answers = Record<string, unknown>;

/** Opens the console at a path, with a key of a role, in front of an engine that answers so; returns what it is asked. */
export function open(path: string, role: Role, answers: Answers): Request[] {
  const asked: Request[] = [];
  vi.stubGlobal("fetch", async (input: Request | string, options?: RequestInit) => {
    const request = new Request(typeof input === "string" ? new URL(input, location.href) : input, options);
    asked.push(request.clone());
    const answer = answers[`${request.method} ${new URL(request.url).pathname}`];
    const problem = {
      type: "urn:care:problem:unavailable",
      title: "Log or store do not answer",
      status: 503,
      detail: "",
    };
    return answer === undefined ? Response.json(problem, { status: 503 }) : Response.json(answer);
  });
  setKey(`care_${role}_0a1b2c3d_${"f".repeat(64)}`);
  queries.setDefaultOptions({ queries: { retry: false } });
  const router = makeRouter({ history: createMemoryHistory({ initialEntries: [`/console${path}`] }) });
  render(
    <LanguageProvider>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </LanguageProvider>,
  );
  return asked;
}
