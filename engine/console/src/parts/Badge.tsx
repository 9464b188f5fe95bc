import type { ReactNode } from "react";
import { useWords } from "../i18n/context";
import css from "./Badge.module.css";

export type Tone = "good" | "quiet" | "amber" | "warm" | "danger";

/** A word that says how something stands. */
export function Badge({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <span className={css.badge} data-tone={tone}>
      <span className={css.dot} aria-hidden />
      {children}
    </span>
  );
}

const TONES: Record<string, Tone> = {
  sent: "good",
  delivered: "good",
  withheld: "quiet",
  deferred: "amber",
  suppressed: "quiet",
  expired: "quiet",
  failed: "danger",
};

/** How a decision ended. */
export function Verdict({ verdict }: { verdict: string }) {
  const { term } = useWords();
  return <Badge tone={TONES[verdict] ?? "quiet"}>{term("verdict", verdict)}</Badge>;
}

/** Whether a stream is followed: a quiet mark while it is, a word when it is not. */
export function Live({ standing }: { standing: "connecting" | "open" | "waiting" | "refused" }) {
  const { t } = useWords();
  return (
    <span className={css.live} data-standing={standing} role="status">
      <span className={css.pulse} aria-hidden />
      {t(`live.${standing}`)}
    </span>
  );
}
