import { cleanup, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { queries } from "../src/api/client";
import { setKey } from "../src/app/session";
import { type Answers, open } from "./open";

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

  it("says that nobody is at risk when all were looked at, and not before", async () => {
    const covers = { customers: 1_200, complete: false, began: null, ended: null, kept_per_head: 500 };
    const answers: Answers = { "GET /api/v1/at-risk": { customers: [], next: null, covers } };
    open("/customers", "agent", answers);
    expect(await screen.findByText("Looking for customers at risk")).toBeTruthy();
    expect(screen.getByText(/1,200 customers looked at so far/)).toBeTruthy();
    const ended = { ...covers, complete: true, ended: "2026-03-05T12:00:00Z" };
    answers["GET /api/v1/at-risk"] = { customers: [], next: null, covers: ended };
    expect(await screen.findByText("Nobody is at risk", {}, { timeout: 5_000 })).toBeTruthy();
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
    expect(posted()[0]?.headers.get("Idempotency-Key")).toMatch(/^[0-9a-f]{32}$/);
  });
});
