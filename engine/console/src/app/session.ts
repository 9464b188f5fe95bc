import { useSyncExternalStore } from "react";

/** The key of this tab: gone when the tab is closed, never in a URL that is sent, never kept longer. */
const NAME = "care.key";

const listeners = new Set<() => void>();

let memory: string | null = null;

function read(): string | null {
  try {
    return sessionStorage.getItem(NAME);
  } catch {
    return memory;
  }
}

export const ROLES = ["ingest", "marketer", "agent", "analyst", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** Whose key it is, as far as the key itself says: `care_ROLE_ID_SECRET`. The engine asks the key, not this page. */
export type Holder = { role: Role; id: string };

/** Returns whose key a text is, `null` when it is written as no key is. */
export function holderOf(key: string): Holder | null {
  const [, name, id] = /^care_([a-z]+)_([0-9a-f]{8})_[0-9a-f]{64}$/.exec(key) ?? [];
  const role = ROLES.find((known) => known === name);
  return role === undefined || id === undefined ? null : { role, id };
}

/** Why there is no key: none was given yet or it was put away, or the engine refused it. */
export type Absence = "none" | "refused";

let absence: Absence = "none";

/** Returns why there is no key. */
export const getAbsence = (): Absence => absence;

/** Takes a key, or with `null` forgets the one there is. */
export function setKey(key: string | null, why: Absence = "none"): void {
  memory = key;
  absence = why;
  try {
    if (key === null) sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, key);
  } catch {
    // The page remembers it while it is open.
  }
  for (const listener of listeners) listener();
}

/** Returns the key of this tab. */
export const getKey = (): string | null => read();

/** Returns the key of this tab, now and when it changes. */
export function useKey(): string | null {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, read);
}

/** Takes the key of a sign-in link, `#key=…`, and removes it from the address: a fragment is never sent to a server. */
export function takeKeyFromAddress(): void {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key === null) return;
  setKey(key);
  history.replaceState(history.state, "", location.pathname + location.search);
}
