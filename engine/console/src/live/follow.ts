import { createParser } from "eventsource-parser";

/** One event of a stream. */
export type Told = { id: string | undefined; event: string; data: string };

/** Where a stream stands: `refused` is final, everything else passes. */
export type Standing = "connecting" | "open" | "waiting" | "refused";

export type Following = {
  path: string;
  key: string;
  onEvent: (told: Told) => void;
  onStanding: (standing: Standing) => void;
  signal: AbortSignal;
  /** Waits, or ends early when the signal says so; a test gives its own. */
  sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** A test gives its own. */
  fetch?: typeof fetch;
};

/** The first wait for a new connection, doubled each time up to the longest. Units: ms. */
const WAIT_FIRST = 500;
const WAIT_LONGEST = 15_000;

/** The server says something at least this often; a silent connection is a dead one. Units: ms. */
export const SILENCE_LONGEST = 45_000;

/**
 * Follows a stream of server-sent events until the signal ends it. `EventSource` would do without it, but cannot show a key in a header, and a key
 * in a URL ends up in logs. A connection that breaks is made anew and goes on behind the last event that was seen.
 */
export async function follow(following: Following): Promise<void> {
  const { onStanding, signal, sleep = pause } = following;
  const place: Place = { lastId: undefined, wait: WAIT_FIRST };
  while (!signal.aborted) {
    onStanding("connecting");
    const end = await connect(following, place).catch(() => "broken" as const);
    if (signal.aborted) return;
    if (end === "refused") {
      onStanding("refused");
      return;
    }
    onStanding("waiting");
    await sleep(place.wait * (0.75 + Math.random() / 2), signal);
    place.wait = Math.min(place.wait * 2, WAIT_LONGEST);
  }
}

type Place = { lastId: string | undefined; wait: number };

async function connect(following: Following, place: Place): Promise<"refused" | "broken"> {
  const { path, key, onEvent, onStanding, signal } = following;
  const broken = new AbortController();
  const ended = AbortSignal.any([signal, broken.signal]);
  const headers: Record<string, string> = { Accept: "text/event-stream", Authorization: `Bearer ${key}` };
  if (place.lastId !== undefined) headers["Last-Event-ID"] = place.lastId;
  const answer = await (following.fetch ?? fetch)(path, {
    headers,
    signal: ended,
    cache: "no-store",
    credentials: "omit",
  });
  if (answer.status === 401 || answer.status === 403 || answer.status === 404) return "refused";
  if (!answer.ok || answer.body === null) {
    place.wait = Math.max(place.wait, 1000 * Number(answer.headers.get("Retry-After") ?? 0));
    return "broken";
  }
  onStanding("open");
  const parser = createParser({
    onEvent: ({ id, event, data }) => {
      if (id !== undefined) place.lastId = id;
      place.wait = WAIT_FIRST;
      onEvent({ id, event: event ?? "message", data });
    },
    onRetry: (ms) => {
      place.wait = Math.min(ms, WAIT_LONGEST);
    },
  });
  await read(answer.body, (text) => parser.feed(text), broken);
  return "broken";
}

async function read(
  body: ReadableStream<Uint8Array>,
  feed: (text: string) => void,
  broken: AbortController,
): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let silence: ReturnType<typeof setTimeout> | undefined;
  try {
    for (;;) {
      clearTimeout(silence);
      silence = setTimeout(() => broken.abort(), SILENCE_LONGEST);
      const { done, value } = await reader.read();
      if (done) return;
      feed(decoder.decode(value, { stream: true }));
    }
  } finally {
    clearTimeout(silence);
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      done();
    });
  });
}
