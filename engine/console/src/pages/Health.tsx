import { useOverview } from "../api/queries";
import { useWords } from "../i18n/context";
import { Badge } from "../parts/Badge";
import { Failed, Loading } from "../parts/State";
import { Figure, Figures, PageHead, Panel } from "../parts/Surface";
import { useNow } from "../parts/useNow";
import css from "./Health.module.css";

/** What is well and what is not, since when, and why. */
export function Health() {
  const words = useWords();
  const now = useNow();
  const health = useOverview();
  if (health.isPending) return <Loading />;
  if (health.isError) return <Failed error={health.error} onRetry={() => void health.refetch()} />;
  const { ready, phase, since: phase_since, assigned, at_work, checks } = health.data.health;
  const since = (at: string) => words.t("health.since", { when: words.ago(new Date(at), now) });
  return (
    <>
      <PageHead title={words.t("health.title")} lead={words.t("health.lead")} />
      <div className={css.stack}>
        <Figures>
          <Figure
            name={words.t("health.title")}
            value={words.t(ready ? "health.ready" : "health.unready")}
            tone={ready ? undefined : "danger"}
          />
          <Figure name={words.t("health.phase")} value={words.term("phase", phase)} more={since(phase_since)} />
          <Figure
            name={words.t("health.partitions")}
            value={words.number(at_work)}
            more={words.t("health.partitions.more", { assigned: words.number(assigned) })}
          />
        </Figures>
        <Panel title={words.t("health.checks")} flush="flush">
          <ul>
            {Object.entries(checks).map(([name, check]) => (
              <li key={name} className={css.check}>
                <span className={css.name}>{words.term("check", name)}</span>
                <Badge tone={check.good ? "good" : "danger"}>
                  {words.t(check.good ? "health.good" : "health.wrong")}
                </Badge>
                <span className={css.small}>
                  {check.reason ? `${check.reason} · ` : null}
                  {since(check.since)}
                </span>
              </li>
            ))}
          </ul>
        </Panel>
      </div>
    </>
  );
}
