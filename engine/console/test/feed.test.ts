import { expect, it } from "vitest";
import type { Beat } from "../src/api/queries";
import { type Feed, NOTHING, take } from "../src/live/feed";

const NOW = new Date("2026-03-05T12:00:00Z");

const pulse = (decisions: Record<string, number>, events_per_second = 3): string => {
  const beat: Partial<Beat> = { events_per_second, decisions };
  return JSON.stringify({ pulse: beat, left_out: 0 });
};

const hear = (feed: Feed, event: string, data: string) => take(feed, { id: undefined, event, data }, NOW);

it("counts what was decided between two pulses, and nothing over a new start", () => {
  const pulses = [pulse({ sent: 4, deferred: 1 }), pulse({ sent: 5, deferred: 3 }), pulse({ sent: 1 })];
  const { steps } = pulses.reduce((feed, data) => hear(feed, "pulse", data), NOTHING);
  expect(steps.map(({ decisions, sent }) => [decisions, sent])).toEqual([
    [0, 0],
    [3, 1],
    [0, 0],
  ]);
});

it("keeps the newest decisions, each once, and a bounded number of steps", () => {
  let feed = NOTHING;
  for (let n = 0; n < 200; n++) feed = hear(feed, "pulse", pulse({}));
  for (let n = 0; n < 30; n++) feed = hear(feed, "decision", JSON.stringify({ id: `d${n % 20}` }));
  expect(feed.steps).toHaveLength(120);
  expect(feed.decisions.map(({ id }) => id)).toEqual([
    "d9",
    "d8",
    "d7",
    "d6",
    "d5",
    "d4",
    "d3",
    "d2",
    "d1",
    "d0",
    "d19",
    "d18",
  ]);
});

it("does not mind what it does not know", () => {
  expect(hear(NOTHING, "made up later", "no JSON")).toBe(NOTHING);
});
