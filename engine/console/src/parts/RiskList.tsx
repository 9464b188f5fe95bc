import { Link } from "@tanstack/react-router";
import type { Risky } from "../api/queries";
import { useWords } from "../i18n/context";
import { Reasons, RiskBar } from "./Risk";
import css from "./RiskList.module.css";

/** Customers at risk with so many reasons each. */
export function RiskList({ risks, reasons }: { risks: Risky[]; reasons: number }) {
  const words = useWords();
  return (
    <ul className={css.list}>
      {risks.map((risk) => (
        <li key={`${risk.customer} ${risk.head}`} className={css.item}>
          <div className={css.who}>
            <Link to="/customers/$id" params={{ id: risk.customer }} className={css.name}>
              {risk.customer}
            </Link>
            <span className={css.about}>
              {words.term("head", risk.head)}
              {risk.cart ? ` · ${words.money(risk.cart)}` : null}
            </span>
          </div>
          <RiskBar head={risk.head} value={risk.score.value} />
          <Reasons reasons={risk.reasons.slice(0, reasons)} />
        </li>
      ))}
    </ul>
  );
}
