import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Turn } from "../src/api/queries";
import { discard, forgetDesks, getDesk, saw, send, sendAgain, write } from "../src/talk/outbox";

type Answer = () => Response | Promise<Response>;

let answers: Answer[] = [];
let asked: { path: string; body: { id: string; agent: string; text: string } }[] = [];

const taken: Answer = () => Response.json({ id: "taken" }, { status: 202 });
const away: Answer = () => Promise.reject(new TypeError("network"));
const busy: Answer = () => Response.json({ type: "urn:care:problem:busy", title: "Busy" }, { status: 429 });

const say = (customer: string, text: string) => {
  write(customer, text);
  send(customer, "Marie");
};
const problems = () => getDesk("ada").sent.map(({ problem }) => problem?.status ?? null);

describe("what an agent says", () => {
  beforeEach(() => {
    [answers, asked] = [[], []];
    vi.stubGlobal("fetch", async (request: Request) => {
      asked.push({ path: new URL(request.url).pathname, body: await request.json() });
      return (answers.shift() ?? taken)();
    });
  });
  afterEach(() => {
    forgetDesks();
    vi.unstubAllGlobals();
  });

  it("is sent once, and on its way until it stands in the thread", async () => {
    say("ada", "  Hello Ada \n");
    expect(getDesk("ada")).toMatchObject({ draft: "", sent: [{ text: "Hello Ada", agent: "Marie", problem: null }] });
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    const id = getDesk("ada").sent[0]?.id ?? "";
    expect(asked[0]).toEqual({
      path: "/api/v1/conversations/ada/messages",
      body: { id, agent: "Marie", text: "Hello Ada" },
    });
    saw("ada", [{ message: "another" } as Turn]);
    expect(getDesk("ada").sent).toHaveLength(1);
    saw("ada", [{ message: id } as Turn]);
    expect(getDesk("ada").sent).toEqual([]);
  });

  it("is kept when it fails, and sent again as the same message", async () => {
    answers = [away, busy];
    say("ada", "Hello");
    await vi.waitFor(() => expect(problems()).toEqual([0]));
    const id = getDesk("ada").sent[0]?.id ?? "";
    sendAgain("ada", id);
    expect(problems()).toEqual([null]);
    await vi.waitFor(() => expect(problems()).toEqual([429]));
    sendAgain("ada", id);
    await vi.waitFor(() => expect(asked).toHaveLength(3));
    expect(new Set(asked.map(({ body }) => body.id))).toEqual(new Set([id]));
    expect(problems()).toEqual([null]);
  });

  it("can be given up when it failed", async () => {
    answers = [away];
    say("ada", "Hello");
    await vi.waitFor(() => expect(problems()).toEqual([0]));
    discard("ada", getDesk("ada").sent[0]?.id ?? "");
    expect(getDesk("ada").sent).toEqual([]);
  });

  it("arrives in the order in which it was said", async () => {
    let answer = (_: Response) => {};
    answers = [() => new Promise((done) => (answer = done))];
    say("ada", "first");
    say("ada", "second");
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    say("eve", "to another");
    await vi.waitFor(() => expect(asked.map(({ body }) => body.text)).toEqual(["first", "to another"]));
    answer(Response.json({ id: "taken" }, { status: 202 }));
    await vi.waitFor(() => expect(asked.map(({ body }) => body.text)).toEqual(["first", "to another", "second"]));
  });

  it("is nothing when it is blank, and what is being written stays with its customer", () => {
    say("ada", " \n ");
    expect(getDesk("ada").sent).toEqual([]);
    write("eve", "half a sen");
    expect(getDesk("eve").draft).toBe("half a sen");
    expect(getDesk("ada").draft).toBe(" \n ");
    forgetDesks();
    expect(getDesk("eve").draft).toBe("");
  });
});
