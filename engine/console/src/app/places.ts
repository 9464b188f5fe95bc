import { Activity, HeartPulse, type LucideIcon, MailX, MessagesSquare, Users, Zap } from "lucide-react";
import type { PlainKey } from "../i18n/types";
import type { Area } from "./roles";

/** One page of the menu. */
export type Place = {
  to: "/" | "/customers" | "/conversations" | "/triggers" | "/dead-letters" | "/health";
  name: PlainKey;
  icon: LucideIcon;
  area: Area;
};

/** The pages, in the order of the menu, and whom each is for: what a role may not ask for is not offered to it. */
export const PLACES: readonly Place[] = [
  { to: "/", name: "nav.overview", icon: Activity, area: "engine" },
  { to: "/customers", name: "nav.customers", icon: Users, area: "customers" },
  { to: "/conversations", name: "nav.conversations", icon: MessagesSquare, area: "conversations" },
  { to: "/triggers", name: "nav.triggers", icon: Zap, area: "triggers" },
  { to: "/dead-letters", name: "nav.letters", icon: MailX, area: "letters" },
  { to: "/health", name: "nav.health", icon: HeartPulse, area: "engine" },
];
