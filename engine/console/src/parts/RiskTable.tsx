import { Link } from "@tanstack/react-router";
import type { Risky } from "../api/queries";
import { useWords } from "../i18n/context";
import { Reasons, RiskBar } from "./Risk";
import css from "./RiskTable.module.css";
import { useNow } from "./useNow";

/** Customers at risk as a table; on a narrow screen each is a card. */
export function RiskTable({ risks }: { risks: Risky[] }) {
  const words = useWords();
  const now = useNow();
  return (
    <table className={css.table}>
      <thead>
        <tr>
          <th scope="col">{words.t("customers.customer")}</th>
          <th scope="col">{words.t("customers.score")}</th>
          <th scope="col">{words.t("customers.why")}</th>
          <th scope="col">{words.t("customers.seen")}</th>
        </tr>
      </thead>
      <tbody>
        {risks.map((risk) => (
          <tr key={`${risk.customer} ${risk.head}`}>
            <th scope="row">
              <Link to="/customers/$id" params={{ id: risk.customer }} className={css.name}>
                {risk.customer}
              </Link>
            </th>
            <td>
              <span className={css.head}>{words.term("head", risk.head)}</span>
              <RiskBar head={risk.head} value={risk.score.value} />
              {risk.cart ? <span className={css.id}>{words.money(risk.cart)}</span> : null}
            </td>
            <td className={css.why}>
              <Reasons reasons={risk.reasons.slice(0, 3)} />
            </td>
            <td className={css.when}>
              <time dateTime={risk.score.at} title={words.moment(new Date(risk.score.at))}>
                {words.ago(new Date(risk.score.at), now)}
              </time>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
