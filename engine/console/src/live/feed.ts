import { useSyncExternalStore } from "react";
import type { Beat, Decision } from "../api/queries";
import { getKey } from "../app/session";
import type { Step } from "../parts/FlowChart";
import { follow, type Standing, type Told } from "./follow";

/** What flowed since the page was opened, bounded. */
export type Feed = {
  standing: Standing;
  /** One per pulse, the oldest first. */
  steps: Step[];
  /** The newest first. */
  decisions: Decision[];
  /** What the engine counted when it told last. */
  beat: Beat | null;
};

/** Steps that are kept: four minutes of a pulse every two seconds. */
const STEPS_MAX = 120;

/** Decisions that are kept. */
const DECISIONS_MAX = 12;

export const NOTHING: Feed = { standing: "connecting", steps: [], decisions: [], beat: null };

/** Returns how many decisions were made since a process began. */
export const decidedOf = (beat: Beat): number => Object.values(beat.decisions).reduce((sum, count) => sum + count, 0);

/** Returns how many of them sent something. */
export const sentOf = (beat: Beat): number => beat.decisions.sent ?? 0;

/** Returns the feed after the engine said how much goes on. A process that began anew counts anew: nothing can be said of what lies between. */
export function takeBeat(feed: Feed, beat: Beat, now: Date): Feed {
  const since = (count: (beat: Beat) => number) => Math.max(0, feed.beat === null ? 0 : count(beat) - count(feed.beat));
  const step: Step = { at: now, events: beat.events_per_second, decisions: since(decidedOf), sent: since(sentOf) };
  return { ...feed, beat, steps: [...feed.steps, step].slice(-STEPS_MAX) };
}

/** Returns the feed after one event of the stream; what it does not know changes nothing. */
export function take(feed: Feed, told: Told, now: Date): Feed {
  if (told.event === "pulse") {
    const { pulse } = JSON.parse(told.data) as { pulse: Beat };
    return takeBeat(feed, pulse, now);
  }
  if (told.event !== "decision") return feed;
  const decision = JSON.parse(told.data) as Decision;
  const others = feed.decisions.filter(({ id }) => id !== decision.id);
  return { ...feed, decisions: [decision, ...others].slice(0, DECISIONS_MAX) };
}

let feed = NOTHING;
let following: AbortController | null = null;
let hearers = 0;
const listeners = new Set<() => void>();

function tell(next: Feed): void {
  feed = next;
  for (const listener of listeners) listener();
}

/** Tells a listener of each change. */
function watch(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** One stream for all that listen to it; it is left when nobody does. */
function listen(listener: () => void): () => void {
  const leave = watch(listener);
  hearers += 1;
  const key = getKey();
  if (following === null && key !== null) {
    following = new AbortController();
    void follow({
      path: "/api/v1/feed",
      key,
      onEvent: (told) => tell(take(feed, told, new Date())),
      onStanding: (standing) => tell({ ...feed, standing }),
      signal: following.signal,
    });
  }
  return () => {
    leave();
    hearers -= 1;
    if (hearers > 0) return;
    following?.abort();
    following = null;
  };
}

/** Notes what the engine said when it was asked, for keys that may not listen. */
export function noteBeat(beat: Beat): void {
  if (following === null) tell(takeBeat(feed, beat, new Date()));
}

/** Forgets what flowed: another key may see less. */
export function forgetFeed(): void {
  following?.abort();
  following = null;
  tell(NOTHING);
}

/** Returns what flows, now and when it changes; who only watches sees what others hear, and what is noted. */
export const useFeed = (how: "listen" | "watch"): Feed =>
  useSyncExternalStore(how === "listen" ? listen : watch, () => feed);
