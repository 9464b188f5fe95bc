import { CircleAlert, RotateCw } from "lucide-react";
import type { ReactNode } from "react";
import { Problem } from "../api/problem";
import { useWords } from "../i18n/context";
import type { Words } from "../i18n/words";
import { Button } from "./Control";
import css from "./State.module.css";

/** There is nothing to show, and why, and what to do next. */
export function Empty({ title, children, icon }: { title: string; children?: ReactNode; icon?: ReactNode }) {
  return (
    <div className={css.state}>
      {icon === undefined ? null : <div className={css.icon}>{icon}</div>}
      <p className={css.title}>{title}</p>
      {children === undefined ? null : <div className={css.more}>{children}</div>}
    </div>
  );
}

/** It comes: as many lines as will stand there. */
export function Loading({ lines = 4 }: { lines?: number }) {
  const { t } = useWords();
  return (
    <div className={css.loading} role="status">
      <span className="hidden-visually">{t("state.loading")}</span>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are all the same
        <span key={line} className={css.line} />
      ))}
    </div>
  );
}

function titleOf(problem: Problem, t: Words["t"]): string {
  if (problem.status === 0) return t("state.away");
  return problem.status === 403 ? t("state.role") : problem.title || t("state.failed");
}

/** Returns why something was not done, in a few words: who answers without a title is not the engine. */
export function whyOf(error: unknown, t: Words["t"]): string {
  const problem = Problem.from(error);
  return problem.title === "" ? t("state.away") : titleOf(problem, t);
}

/** It could not be had, and why. */
export function Failed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useWords();
  const problem = Problem.from(error);
  const isAway = problem.status === 0;
  return (
    <div className={css.state} role="alert">
      <div className={css.icon} data-tone="danger">
        <CircleAlert aria-hidden size={22} />
      </div>
      <p className={css.title}>{titleOf(problem, t)}</p>
      <p className={css.more}>{isAway ? t("state.away.more") : problem.detail}</p>
      {onRetry === undefined || problem.status === 403 ? null : (
        <Button onClick={onRetry}>
          <RotateCw aria-hidden size={15} />
          {t("state.retry")}
        </Button>
      )}
    </div>
  );
}
