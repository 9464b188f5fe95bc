import { useSyncExternalStore } from "react";
import { answered, api } from "../api/client";
import { newId } from "../api/id";
import { Problem } from "../api/problem";
import type { Turn } from "../api/queries";

/** What an agent said and what has not been seen in the thread yet. */
export type Sent = { id: string; agent: string; text: string; problem: Problem | null };

/** What an agent has in hand for one customer: words that are being written, and words on their way. It outlives the page, not the tab. */
export type Desk = { draft: string; sent: readonly Sent[] };

/** An answer that takes longer counts as none. Units: ms. */
const PATIENCE = 20_000;

const CLEAR: Desk = { draft: "", sent: [] };

let desks: ReadonlyMap<string, Desk> = new Map();
/** The last call for each customer: one goes after the other, so that what was said first stands first. */
const calls = new Map<string, Promise<void>>();
const listeners = new Set<() => void>();

function put(customer: string, change: (desk: Desk) => Desk): void {
  const before = getDesk(customer);
  const after = change(before);
  if (after === before) return;
  desks = new Map(desks).set(customer, after);
  for (const listener of listeners) listener();
}

/** Returns what is in hand for a customer. */
export const getDesk = (customer: string): Desk => desks.get(customer) ?? CLEAR;

/** Returns what is in hand for a customer, now and when it changes. */
export function useDesk(customer: string): Desk {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => getDesk(customer),
  );
}

/** Keeps what is being written. */
export const write = (customer: string, draft: string): void => put(customer, (desk) => ({ ...desk, draft }));

/** Sends what is written, under an id of its own; nothing but blanks is not sent. */
export function send(customer: string, agent: string): void {
  const text = getDesk(customer).draft.trim();
  if (text === "") return;
  const one: Sent = { id: newId(), agent, text, problem: null };
  put(customer, ({ sent }) => ({ draft: "", sent: [...sent, one] }));
  post(customer, one);
}

/** Sends again what failed, under the id it has: if it came through nevertheless it is the same message. */
export function sendAgain(customer: string, id: string): void {
  const failed = getDesk(customer).sent.find((one) => one.id === id && one.problem !== null);
  if (failed === undefined) return;
  replace(customer, { ...failed, problem: null });
  post(customer, failed);
}

/** Gives up what failed. */
export const discard = (customer: string, id: string): void => drop(customer, (one) => one.id === id);

/** Takes off the desk what stands in the thread. */
export function saw(customer: string, turns: readonly Turn[]): void {
  const seen = new Set(turns.map(({ message }) => message));
  drop(customer, ({ id }) => seen.has(id));
}

/** Forgets all of it: another person may use the tab next. */
export function forgetDesks(): void {
  desks = new Map();
  for (const listener of listeners) listener();
}

function drop(customer: string, isGone: (one: Sent) => boolean): void {
  put(customer, (desk) => (desk.sent.some(isGone) ? { ...desk, sent: desk.sent.filter((one) => !isGone(one)) } : desk));
}

function replace(customer: string, next: Sent): void {
  put(customer, (desk) => ({ ...desk, sent: desk.sent.map((one) => (one.id === next.id ? next : one)) }));
}

function post(customer: string, { id, agent, text }: Sent): void {
  const before = calls.get(customer) ?? Promise.resolve();
  const call = before.then(async () => {
    try {
      await answered(
        api.POST("/api/v1/conversations/{customer}/messages", {
          params: { path: { customer } },
          body: { id, agent, text },
          signal: AbortSignal.timeout(PATIENCE),
        }),
      );
    } catch (error) {
      replace(customer, { id, agent, text, problem: Problem.from(error) });
    }
  });
  calls.set(customer, call);
}
