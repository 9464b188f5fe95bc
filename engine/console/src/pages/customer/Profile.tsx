import type { ReactNode } from "react";
import type { Customer } from "../../api/queries";
import { useWords } from "../../i18n/context";
import type { Words } from "../../i18n/words";
import { Facts, Panel } from "../../parts/Surface";

/** Traits that the head of the page shows. */
const SHOWN_ABOVE = ["name", "firstName", "lastName"];

/** Who a customer is, as far as the shop said or its events tell. */
export function Profile({ known }: { known: Customer }) {
  const words = useWords();
  return (
    <Panel title={words.t("customer.profile")}>
      <Facts facts={factsOf(known, words)} />
    </Panel>
  );
}

function factsOf(known: Customer, words: Words): [string, ReactNode][] {
  const facts: [string, ReactNode][] = [];
  const place = [known.country, known.zone.value, known.locale.value].filter(Boolean).join(", ");
  if (place !== "") facts.push([words.t("customer.place"), place]);
  for (const cart of known.carts) {
    const items = words.count("customer.items", cart.items);
    facts.push([words.t("customer.cart"), `${items} · ${words.money(cart.value)}`]);
  }
  const spent = known.orders.value.map(words.money).join(" + ");
  const orders = words.count("customer.times", known.orders.count);
  facts.push([words.t("customer.orders"), spent === "" ? orders : `${orders} · ${spent}`]);
  facts.push([words.t("customer.sessions"), words.count("customer.visits", known.sessions.count)]);
  for (const { purpose, channel, consent } of known.consents) {
    const about = channel === "" ? purpose : `${purpose} (${channel})`;
    facts.push([
      words.t("customer.consent"),
      `${about}: ${words.t(consent === "granted" ? "consent.granted" : "consent.denied")}`,
    ]);
  }
  if (known.aliases.length > 0) facts.push([words.t("customer.aliases"), known.aliases.join(", ")]);
  for (const [name, value] of Object.entries(known.traits)) {
    if (!SHOWN_ABOVE.includes(name))
      facts.push([name, typeof value === "object" ? JSON.stringify(value) : String(value)]);
  }
  return facts;
}
