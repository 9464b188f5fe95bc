import { useSyncExternalStore } from "react";
import { kept } from "../app/kept";

/** The name that customers read. */
const NAME = "care.agent";

/** The engine takes 128 bytes; a letter may have four. */
export const AGENT_MAX = 32;

const listeners = new Set<() => void>();

let memory: string | null = null;

function read(): string | null {
  return kept.get(NAME) ?? memory;
}

/** Remembers the name in this browser, or with `null` asks for it again. */
export function setAgent(name: string | null): void {
  memory = name;
  kept.set(NAME, name);
  for (const listener of listeners) listener();
}

/** Returns the name under which this browser's user speaks, now and when it changes. */
export function useAgent(): string | null {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, read);
}
