import { cleanup, fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { queries } from "../src/api/client";
import { setKey } from "../src/app/session";
import { setAgent } from "../src/talk/agent";
import { forgetDesks } from "../src/talk/outbox";
import { type Answers, open } from "./open";
import { turn } from "./turn";

const LIST = "GET /api/v1/conversations";
const THREAD = "GET /api/v1/conversations/ada";
const SAY = "POST /api/v1/conversations/ada/messages";

const took = turn(1, { act: "took_over", speaker: "agent", made: "template", by: "Marie", message: "" });

/** An engine that holds these turns of Ada. */
const holds = (owner: "bot" | "human", turns = [turn(0)]): Answers => ({
  [LIST]: {
    conversations: [
      { customer: "ada", at: 0, owner, waits: owner === "human", speaker: "customer", text: "words 0", turns: 1 },
    ],
  },
  [THREAD]: { customer: "ada", owner, turns, next: null },
});

const field = () => screen.findByRole("textbox", { name: "Message to ada" });

describe("conversations", () => {
  beforeEach(() => {
    queries.clear();
    setAgent("Marie");
  });
  afterEach(() => {
    cleanup();
    setKey(null);
    setAgent(null);
    forgetDesks();
    vi.unstubAllGlobals();
  });

  it("are for those who answer: another key is not offered them, nor does it ask", async () => {
    const asked = open("/conversations", "analyst", holds("bot"));
    expect(await screen.findByText("Your key does not open this")).toBeTruthy();
    expect(screen.queryByRole("link", { name: "Chats" })).toBeNull();
    expect(asked.filter(({ url }) => url.includes("conversations"))).toEqual([]);
  });

  it("say what to do when there are none, and why when they cannot be had", async () => {
    const answers: Answers = {};
    open("/conversations", "agent", answers);
    expect(await screen.findByText("Log or store do not answer")).toBeTruthy();
    answers[LIST] = { conversations: [] };
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByText("Nobody talks")).toBeTruthy();
  });

  it("have no field while the bot answers, and ask for a name before they are taken over", async () => {
    setAgent(null);
    const asked = open("/conversations/ada", "agent", holds("bot"));
    expect(await screen.findByText(/^The assistant answers here/)).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Take over" })).toBeNull();
    await userEvent.type(screen.getByRole("textbox", { name: "Your name" }), " Marie {Enter}");
    expect(screen.queryByRole("textbox")).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "Take over" }));
    expect((await screen.findByRole("alert")).textContent).toContain("Log or store do not answer");
    const post = asked.find(({ method }) => method === "POST");
    expect(new URL(post?.url ?? "").pathname).toBe("/api/v1/conversations/ada/take-over");
    expect(await post?.json()).toEqual({ agent: "Marie" });
  });

  it("keep what did not get through, and send it again as the same message until it is seen", async () => {
    const answers = holds("human", [turn(0), took]);
    const asked = open("/conversations/ada", "agent", answers);
    await userEvent.type(await field(), "Hello{Shift>}{Enter}{/Shift}Ada{Enter}");
    expect((await screen.findByRole("alert")).textContent).toContain("Your words are kept here");
    answers[SAY] = { id: "taken" };
    await userEvent.click(screen.getByRole("button", { name: "Send again" }));
    const posted = () => asked.filter(({ method }) => method === "POST");
    await waitFor(() => expect(posted()).toHaveLength(2));
    const bodies = await Promise.all(posted().map((request) => request.json()));
    expect(bodies[1]).toEqual(bodies[0]);
    expect(bodies[0]).toEqual({ id: expect.stringMatching(/^[0-9a-f]{32}$/), agent: "Marie", text: "Hello\nAda" });
    expect(within(screen.getByRole("log")).getByText("sending")).toBeTruthy();
    const said = turn(2, { speaker: "agent", by: "Marie", text: "Hello\nAda", message: bodies[0].id });
    answers[THREAD] = { customer: "ada", owner: "human", turns: [took, said], next: null };
    await waitFor(() => expect(screen.queryByText("sending")).toBeNull());
    expect(screen.getAllByText(/^Hello\s+Ada$/)).toHaveLength(1);
  });

  it("do not send a word that is still being composed", async () => {
    const asked = open("/conversations/ada", "agent", holds("human", [turn(0), took]));
    await userEvent.type(await field(), "nihao");
    fireEvent.keyDown(await field(), { key: "Enter", isComposing: true });
    expect(((await field()) as HTMLTextAreaElement).value).toBe("nihao");
    expect(asked.filter(({ method }) => method === "POST")).toEqual([]);
  });
});
