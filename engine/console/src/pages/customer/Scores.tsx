import { type Customer, type Decision, useDecisions } from "../../api/queries";
import { useWords } from "../../i18n/context";
import { Reasons, RiskBar, Sparkline } from "../../parts/Risk";
import { Empty } from "../../parts/State";
import { Panel } from "../../parts/Surface";
import { useNow } from "../../parts/useNow";
import css from "../Customer.module.css";

/** Points of a sparkline. */
const POINTS = 24;

type Point = { at: string; value: number };

/** Returns how a score went: what decisions read, the oldest first, and what was said last. */
export function historyOf(head: string, decisions: Decision[], last: Point): Point[] {
  const read = decisions.flatMap((decision) => decision.scores.filter((score) => score.head === head));
  const byTime = new Map([...read, last].map(({ at, value }) => [at, { at, value }]));
  return [...byTime.values()].sort((a, b) => Date.parse(a.at) - Date.parse(b.at)).slice(-POINTS);
}

/** How likely a customer is to do what, and why the model thinks so. */
export function Scores({ known }: { known: Customer }) {
  const words = useWords();
  const now = useNow();
  const decisions = useDecisions(known.id).data?.pages.flatMap((page) => page.decisions) ?? [];
  const said = known.scores.filter(({ score }) => score);
  return (
    <Panel title={words.t("customer.scores")} flush="flush">
      {said.length === 0 ? <Empty title={words.t("customer.scores.empty")} /> : null}
      {said.map(({ head, score, next, reasons }) =>
        score ? (
          <section key={head} className={css.score} aria-label={words.term("head", head)}>
            <div className={css.scoreHead}>
              <h3>{words.term("head", head)}</h3>
              <RiskBar head={head} value={score.value} />
            </div>
            <div className={css.scoreBody}>
              <Reasons reasons={reasons} />
              <Trend head={head} history={historyOf(head, decisions, score)} />
            </div>
            <p className={css.small}>
              {words.t("customer.scores.of", { model: score.model })}
              {" · "}
              {words.ago(new Date(score.at), now)}
              {next ? ` · ${words.t("customer.scores.next", { when: words.ago(new Date(next), now) })}` : null}
            </p>
          </section>
        ) : null,
      )}
    </Panel>
  );
}

function Trend({ head, history }: { head: string; history: Point[] }) {
  const words = useWords();
  const [first, last] = [history[0], history.at(-1)];
  if (first === undefined || last === undefined || history.length < 2) return null;
  const label = words.t("customer.trend", {
    head: words.term("head", head),
    n: words.number(history.length),
    first: words.percent(first.value),
    last: words.percent(last.value),
  });
  return <Sparkline values={history.map(({ value }) => value)} label={label} />;
}
