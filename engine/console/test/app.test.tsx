import { QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { cleanup, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { queries } from "../src/api/client";
import { makeRouter } from "../src/app/router";
import { type Role, setKey } from "../src/app/session";
import { LanguageProvider } from "../src/i18n/context";

const LETTER = {
  partition: 3,
  letter: 17,
  at: "2026-03-05T12:00:00Z",
  reason: "malformed",
  message: "body is no JSON",
  topic: "care.events",
  position: 8812,
  key: "shopper-9",
  kind: "event",
  build: "0.1.0",
  body: '{"event": ',
  cut: false,
  retried: false,
  tries: 1,
};

/** What the engine answers, by method and path; everything else is a problem. */
type Answers = Record<string, unknown>;

/** Opens the console at a path, with a key of a role, in front of an engine that answers so; returns what it is asked. */
function open(path: string, role: Role, answers: Answers): Request[] {
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

const menu = async () => {
  const links = within(await screen.findByRole("navigation")).getAllByRole("link");
  return links.map((link) => link.textContent);
};

describe("the console", () => {
  beforeEach(() => queries.clear());
  afterEach(() => {
    cleanup();
    setKey(null);
    vi.unstubAllGlobals();
  });

  it("offers a role what it may see", async () => {
    open("/health", "operator", {});
    expect(await menu()).toEqual(["Overview", "Dead letters", "Health"]);
  });

  it("asks for another key when the one it has sends events only", async () => {
    open("/health", "ingest", {});
    expect((await screen.findByRole("alert")).textContent).toContain("reads nothing");
  });

  it("says why something cannot be shown, and asks again", async () => {
    const answers: Answers = {};
    open("/dead-letters", "admin", answers);
    expect(await screen.findByText("Log or store do not answer")).toBeTruthy();
    answers["GET /api/v1/dead-letters"] = {
      letters: [],
      next: null,
      reasons: {},
      retried: 0,
      places: 1,
      complete: true,
    };
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByText("No dead letters")).toBeTruthy();
  });

  it("tries a dead letter again when that was confirmed, by a request that has a name", async () => {
    const asked = open("/dead-letters", "admin", {
      "GET /api/v1/dead-letters": { letters: [LETTER], next: null, reasons: {}, retried: 0, places: 1, complete: true },
      "POST /api/v1/dead-letters/replay": { retried: 1, before: 0, repeated: 0, refused: {} },
    });
    const posted = () => asked.filter(({ method }) => method === "POST");
    await userEvent.click(await screen.findByText("body is no JSON"));
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Leave it" }));
    expect(posted()).toHaveLength(0);
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Try again" }));
    expect(await screen.findByText("It was put back.")).toBeTruthy();
    expect(await posted()[0]?.json()).toEqual({ partition: 3, letter: 17, again: true, all: false });
    expect(posted()[0]?.headers.get("Idempotency-Key")).toMatch(/^[0-9a-f-]{36}$/);
  });
});
