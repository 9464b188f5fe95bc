import { Check, ChevronDown, X } from "lucide-react";
import type { Decision } from "../../api/queries";
import { useWords } from "../../i18n/context";
import { Verdict } from "../../parts/Badge";
import css from "./DecisionItem.module.css";

/** One decision, and behind a click why it came out so. */
export function DecisionItem({ decision }: { decision: Decision }) {
  const words = useWords();
  return (
    <li className={css.item}>
      <details>
        <summary className={css.summary}>
          <span className={css.line}>
            <strong>{decision.trigger}</strong>
            <Verdict verdict={decision.verdict} />
          </span>
          <span className={css.small}>
            {words.term("reason", decision.reason)} · {words.moment(new Date(decision.at))}
          </span>
          <ChevronDown aria-hidden size={16} className={css.arrow} />
        </summary>
        <div className={css.body}>
          {decision.conditions.length === 0 ? null : (
            <>
              <h3 className={css.name}>{words.t("decision.conditions")}</h3>
              <ul className={css.conditions}>
                {decision.conditions.map((condition) => (
                  <li key={condition.condition} className={css.condition} data-held={condition.held}>
                    {condition.held ? <Check aria-hidden size={15} /> : <X aria-hidden size={15} />}
                    <span>
                      {condition.condition}
                      <span className="hidden-visually">
                        {": "}
                        {words.t(condition.held ? "decision.held" : "decision.missed")}
                      </span>
                      <span className={css.small}>
                        {words.t("decision.saw", { value: shown(condition.value, words.value) })}
                        {condition.partial ? `, ${words.t("decision.partial")}` : ""}
                      </span>
                    </span>
                  </li>
                ))}
              </ul>
            </>
          )}
          {decision.scores.length === 0 ? null : (
            <p className={css.small}>
              {words.t("decision.scores")}:{" "}
              {decision.scores
                .map((score) => `${words.term("head", score.head)} ${words.percent(score.value)} (${score.model})`)
                .join(", ")}
            </p>
          )}
          {decision.outcome ? (
            <p className={css.small}>
              {words.t("decision.outcome")}: {decision.outcome}
            </p>
          ) : null}
          <p className={css.small}>
            {words.t("decision.of", { trigger: decision.trigger, version: decision.version })}
            {decision.key === "" ? null : ` · ${words.t("decision.about", { key: decision.key })}`}
          </p>
          <p className={css.small}>
            {words.t("decision.id")} <code className={css.id}>{decision.id}</code>
          </p>
        </div>
      </details>
    </li>
  );
}

function shown(value: unknown, number: (value: number) => string): string {
  if (typeof value === "number") return number(value);
  return value === null || value === undefined ? "–" : String(value);
}
