import type { Reason } from "../api/queries";
import { useWords } from "../i18n/context";
import { line, scaleLinear } from "./chart";
import css from "./Risk.module.css";

/** From here on a risk is high, from there on it is worth a look. Units: probability. */
const HIGH = 0.7;
const MIDDLE = 0.4;

export type Level = "high" | "middle" | "low";

/** Returns how a probability is to be read. For an intent to buy, low is what is worth a look, and nothing is coloured. */
export function levelOf(head: string, value: number): Level {
  if (head === "purchase_intent") return "low";
  return value >= HIGH ? "high" : value >= MIDDLE ? "middle" : "low";
}

/** A probability as a bar and a number. */
export function RiskBar({ head, value }: { head: string; value: number }) {
  const { percent } = useWords();
  return (
    <span className={css.risk} data-level={levelOf(head, value)}>
      <svg className={css.bar} viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect className={css.rail} width="100" height="6" rx="3" />
        <rect className={css.part} width={Math.max(2, value * 100)} height="6" rx="3" />
      </svg>
      <span className={css.number}>{percent(value)}</span>
    </span>
  );
}

/** The features that moved a score the most, the strongest first. */
export function Reasons({ reasons }: { reasons: Reason[] }) {
  const words = useWords();
  const widest = Math.max(...reasons.map((reason) => weight(reason)), Number.MIN_VALUE);
  return (
    <ul className={css.reasons}>
      {reasons.map((reason) => (
        <li key={reason.feature} className={css.reason}>
          <span className={css.what}>{words.reason(reason)}</span>
          <svg
            className={css.push}
            viewBox="-52 0 104 8"
            preserveAspectRatio="none"
            role="img"
            aria-label={words.t(reason.adds >= 0 ? "risk.raises" : "risk.lowers")}
          >
            <line x1="0" x2="0" y1="0" y2="8" className={css.middle} />
            <rect
              className={reason.adds >= 0 ? css.up : css.down}
              x={reason.adds >= 0 ? 1 : -1 - (50 * weight(reason)) / widest}
              y="1"
              width={Math.max(1.5, (50 * weight(reason)) / widest)}
              height="6"
              rx="1.5"
            />
          </svg>
        </li>
      ))}
    </ul>
  );
}

/** Contributions differ by powers of ten; what is drawn is their order of size, so that the second is still seen beside the first. */
function weight(reason: Reason): number {
  return Math.log1p(Math.abs(reason.adds));
}

/** A score over its last positions. */
export function Sparkline({ values, label }: { values: number[]; label: string }) {
  const x = scaleLinear([0, Math.max(1, values.length - 1)], [2, 98]);
  const y = scaleLinear([0, 1], [26, 2]);
  const path = line<number>(
    (_, place) => x(place),
    (value) => y(value),
  )(values);
  const last = values.at(-1);
  return (
    <svg className={css.spark} viewBox="0 0 100 28" role="img" aria-label={label}>
      <path d={path ?? ""} className={css.trace} />
      {last === undefined ? null : <circle cx={x(values.length - 1)} cy={y(last)} r="2.4" className={css.tip} />}
    </svg>
  );
}
