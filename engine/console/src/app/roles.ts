import { createContext, useContext } from "react";
import type { Role } from "./session";

/** What of the API is for whom. The engine decides; this keeps the console from offering what would be refused. */
const OPEN = {
  engine: ["marketer", "agent", "analyst", "operator", "admin"],
  customers: ["agent", "analyst", "admin"],
  decisions: ["marketer", "agent", "analyst", "admin"],
  triggers: ["marketer", "analyst", "admin"],
  letters: ["operator", "admin"],
  conversations: ["agent", "admin"],
} as const satisfies Record<string, readonly Role[]>;

export type Area = keyof typeof OPEN;

/** Returns true when keys of a role open an area. */
export function opens(role: Role, area: Area): boolean {
  return (OPEN[area] as readonly Role[]).includes(role);
}

/** The role of the key in use. */
export const RoleContext = createContext<Role>("ingest");

/** Returns true when the key in use opens an area. */
export const useOpens = (area: Area): boolean => opens(useContext(RoleContext), area);
