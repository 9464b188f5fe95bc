import { describe, expect, it, vi } from "vitest";
import type { Conversation, ThreadPage, Turn } from "../src/api/queries";
import { anonymousOf, beginsDay, inOrder, partsOf, readOn, whoHas } from "../src/talk/thread";
import { turn } from "./turn";

/** An engine that holds these turns and answers with at most so many at a time. */
const holding = (turns: Turn[], max = 200, owner: ThreadPage["owner"] = "bot") =>
  vi.fn(async (from: number): Promise<ThreadPage> => {
    const told = turns.filter(({ number }) => number >= from).slice(0, max);
    const last = told.at(-1);
    return {
      customer: "ada",
      owner,
      turns: told,
      next: told.length === max && last !== undefined ? last.number + 1 : null,
    };
  });

describe("a thread that is read", () => {
  const three = [turn(0), turn(1), turn(2)];

  it("is read to its end, however many answers that takes", async () => {
    const ask = holding(three, 2);
    expect(await readOn(undefined, ask)).toEqual({ owner: "bot", turns: three });
    expect(ask.mock.calls).toEqual([[0], [2]]);
  });

  it("is read on from its last turn, and no turn stands twice", async () => {
    const ask = holding(three, 200, "human");
    expect(await readOn({ owner: "bot", turns: three.slice(0, 2) }, ask)).toEqual({ owner: "human", turns: three });
    expect(ask.mock.calls).toEqual([[1]]);
  });

  it("stays as it is when nothing was said", async () => {
    expect((await readOn({ owner: "bot", turns: three }, holding(three))).turns).toEqual(three);
  });

  it("is forgotten when the customer was erased, also when something was said since", async () => {
    expect((await readOn({ owner: "bot", turns: three }, holding([]))).turns).toEqual([]);
    const since = [turn(3), turn(4)];
    expect((await readOn({ owner: "bot", turns: three }, holding(since))).turns).toEqual(since);
  });

  it("is empty when nothing was ever said", async () => {
    expect(await readOn({ owner: "bot", turns: [] }, holding([]))).toEqual({ owner: "bot", turns: [] });
  });
});

it("threads that wait stand first, the longest silent before all; the others newest first", () => {
  const thread = (customer: string, at: number, waits: boolean): Conversation => ({
    customer,
    at,
    waits,
    owner: "bot",
    speaker: "customer",
    text: "",
    turns: 1,
  });
  const told = [thread("a", 5, false), thread("b", 4, true), thread("c", 3, false), thread("d", 2, true)];
  expect(inOrder(told).map(({ customer }) => customer)).toEqual(["d", "b", "a", "c"]);
});

it("whoever took a thread over last has it, until it is handed back", () => {
  const taken = (number: number, by: string) => turn(number, { act: "took_over", speaker: "agent", by });
  const turns = [turn(0), taken(1, "Marie"), turn(2, { act: "handed_back", by: "Marie" }), taken(3, "Jo"), turn(4)];
  expect(whoHas({ owner: "human", turns })).toBe("Jo");
  expect(whoHas({ owner: "human", turns: [] })).toBeNull();
  expect(whoHas({ owner: "bot", turns: turns.slice(0, 3) })).toBeNull();
});

it("a day begins where the reader's own does", () => {
  const at = (...time: [number, number, number]) => turn(0, { at: new Date(2026, 2, ...time).getTime() });
  expect(beginsDay(at(5, 9, 0), undefined)).toBe(true);
  expect(beginsDay(at(5, 23, 59), at(5, 0, 1))).toBe(false);
  expect(beginsDay(at(6, 0, 1), at(5, 23, 59))).toBe(true);
});

it("numbers of a text that name a source are told from those that do not", () => {
  const sources = [{ number: 1, passage: "p", title: "Shipping", source: "en/shipping.md" }];
  expect(partsOf({ text: "Two days. [1] Not [2].", sources })).toEqual(["Two days.", 1, " Not", " [2]", "."]);
  expect(partsOf({ text: "", sources })).toEqual([]);
});

it("somebody of whom nothing is known has a short name", () => {
  expect(anonymousOf("anon:chat-0123456789abcdef")).toBe("abcdef");
  expect(anonymousOf("ada")).toBeNull();
});
