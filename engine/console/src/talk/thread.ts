import type { Conversation, ThreadPage, Turn } from "../api/queries";

/** A thread as far as it was read: all of it, the oldest turn first. */
export type Talk = { owner: ThreadPage["owner"]; turns: Turn[] };

/**
 * Reads on behind what is known; `ask` answers with turns from a number on. The last known turn is asked for once more: when it is not there, the
 * customer was erased since, and what is known is forgotten.
 */
export async function readOn(known: Talk | undefined, ask: (from: number) => Promise<ThreadPage>): Promise<Talk> {
  const last = known?.turns.at(-1);
  let page = await ask(last?.number ?? 0);
  if (last !== undefined && page.turns[0]?.id !== last.id) return readOn(undefined, ask);
  const turns = [...(known?.turns ?? []), ...page.turns.slice(last === undefined ? 0 : 1)];
  while (page.next !== null) {
    page = await ask(page.next);
    turns.push(...page.turns);
  }
  return { owner: page.owner, turns };
}

/** Returns threads as an agent goes through them: those that wait first, the longest silent of them before all; the others newest first. */
export function inOrder(threads: readonly Conversation[]): Conversation[] {
  const waiting = threads.filter(({ waits }) => waits).sort((one, other) => one.at - other.at);
  const others = threads.filter(({ waits }) => !waits).sort((one, other) => other.at - one.at);
  return [...waiting, ...others];
}

/** Returns the name of the person who has a thread; nobody when it is the bot's. */
export function whoHas({ owner, turns }: Talk): string | null {
  if (owner !== "human") return null;
  return turns.findLast(({ act }) => act === "took_over")?.by ?? null;
}

/** Returns true when a turn is the first of its day, in the reader's own time. */
export function beginsDay(turn: Turn, before: Turn | undefined): boolean {
  return before === undefined || new Date(turn.at).toDateString() !== new Date(before.at).toDateString();
}

/** Returns the text in parts: words, and numbers of its sources, which stand close to what they prove. */
export function partsOf({ text, sources }: Pick<Turn, "text" | "sources">): (string | number)[] {
  const known = new Set(sources.map(({ number }) => number));
  const parts = text.split(/(\s*\[\d+\])/).map((part) => {
    const number = /^\s*\[(\d+)\]$/.exec(part)?.[1];
    return number !== undefined && known.has(Number(number)) ? Number(number) : part;
  });
  return parts.filter((part) => part !== "");
}

/** Returns the short name of somebody of whom nothing but a made-up id is known. */
export function anonymousOf(customer: string): string | null {
  return customer.startsWith("anon:") ? customer.slice(-6) : null;
}
