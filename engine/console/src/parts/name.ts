import type { Customer } from "../api/queries";

/** Returns the name that the shop gave a customer, if it did. */
export function nameOf(traits: Customer["traits"]): string | null {
  const text = (name: string) => (typeof traits[name] === "string" ? (traits[name] as string) : "");
  const parts = [text("firstName"), text("lastName")].filter((part) => part !== "");
  return text("name") || parts.join(" ") || null;
}
