import { describe, expect, it, vi } from "vitest";
import { follow, SILENCE_LONGEST, type Standing, type Told } from "../src/live/follow";

type Script = (headers: Record<string, string>, signal: AbortSignal) => Response;

/** Follows a scripted server until its script is at an end. */
async function run(script: Script[]) {
  const told: Told[] = [];
  const standings: Standing[] = [];
  const waits: number[] = [];
  const asked: Record<string, string>[] = [];
  const end = new AbortController();
  const answers = [...script];
  await follow({
    path: "/feed",
    key: "k1",
    onEvent: (event) => told.push(event),
    onStanding: (standing) => standings.push(standing),
    signal: end.signal,
    sleep: async (ms) => {
      waits.push(ms);
      if (answers.length === 0) end.abort();
    },
    fetch: async (_, options) => {
      const headers = options?.headers as Record<string, string>;
      asked.push(headers);
      const answer = answers.shift();
      if (answer === undefined) throw new TypeError("nothing answers");
      return answer(headers, options?.signal as AbortSignal);
    },
  });
  return { told, standings, waits, asked };
}

const stream = (text: string) => new Response(text, { status: 200 });

describe("a followed stream", () => {
  it("goes on behind the last event it saw, with its key in a header", async () => {
    const { told, asked } = await run([() => stream("id: 7\nevent: flow\ndata: {}\n\n"), () => stream("data: x\n\n")]);
    expect(told).toEqual([
      { id: "7", event: "flow", data: "{}" },
      { id: undefined, event: "message", data: "x" },
    ]);
    expect(asked.map((headers) => headers["Last-Event-ID"])).toEqual([undefined, "7"]);
    expect(asked[0]?.Authorization).toBe("Bearer k1");
  });

  it("waits longer each time that nothing answers, and begins anew when something did", async () => {
    const away = () => {
      throw new TypeError("away");
    };
    const { waits } = await run([away, away, away, () => stream("data: x\n\n")]);
    const [first = 0, second = 0, third = 0, fourth = 0] = waits;
    expect(second).toBeGreaterThan(first);
    expect(third).toBeGreaterThan(second);
    expect(fourth).toBeLessThan(third);
  });

  it("waits as long as a server that is full says", async () => {
    const full = () => new Response("", { status: 503, headers: { "Retry-After": "9" } });
    const { waits } = await run([full]);
    expect(waits[0]).toBeGreaterThan(6_000);
  });

  it("asks no more when the key is refused", async () => {
    const { standings, asked } = await run([() => new Response("", { status: 403 }), () => stream("")]);
    expect(standings).toEqual(["connecting", "refused"]);
    expect(asked).toHaveLength(1);
  });

  it("leaves a connection that says nothing any more", async () => {
    vi.useFakeTimers();
    const silent: Script = (_, signal) =>
      new Response(
        new ReadableStream({
          start: (writer) => signal.addEventListener("abort", () => writer.error(new Error("aborted"))),
        }),
      );
    const ended = run([silent]);
    await vi.advanceTimersByTimeAsync(SILENCE_LONGEST + 1);
    expect((await ended).standings).toEqual(["connecting", "open", "waiting"]);
    vi.useRealTimers();
  });
});
