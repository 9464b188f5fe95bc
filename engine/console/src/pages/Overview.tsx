import { Link } from "@tanstack/react-router";
import { Pause, Play, Radio } from "lucide-react";
import { useEffect, useState } from "react";
import { useAtRisk, useOverview } from "../api/queries";
import { useOpens } from "../app/roles";
import { useWords } from "../i18n/context";
import { decidedOf, type Feed, noteBeat, sentOf, useFeed } from "../live/feed";
import { Live, Verdict } from "../parts/Badge";
import { Button } from "../parts/Control";
import { FlowChart } from "../parts/FlowChart";
import { NobodyAtRisk } from "../parts/NobodyAtRisk";
import { RiskList } from "../parts/RiskList";
import { Empty, Failed, Loading } from "../parts/State";
import { Figure, Figures, PageHead, Panel } from "../parts/Surface";
import css from "./Overview.module.css";

/** Records behind which the engine is late enough to say so. */
const LAG_MANY = 10_000;

/** What flows now, and what comes of it. */
export function Overview() {
  const words = useWords();
  const [isPaused, pause] = useState(false);
  const hears = useOpens("decisions");
  const live = useFeed(hears ? "listen" : "watch");
  const looks = useOpens("customers");
  useBeatsAsked();
  const [held, hold] = useState<Feed>(live);
  const feed = isPaused ? held : live;
  const last = feed.steps.at(-1);
  return (
    <>
      <PageHead
        title={words.t("overview.title")}
        lead={words.t("overview.lead")}
        aside={
          <>
            {hears ? <Live standing={live.standing} /> : null}
            <Button
              onClick={() => {
                hold(live);
                pause(!isPaused);
              }}
            >
              {isPaused ? <Play aria-hidden size={15} /> : <Pause aria-hidden size={15} />}
              {words.t(isPaused ? "overview.go" : "overview.pause")}
            </Button>
          </>
        }
      />
      <div className={css.stack}>
        <Top feed={feed} />
        <Panel title={words.t("overview.flow")}>
          <FlowChart
            steps={feed.steps}
            label={words.t("overview.flow.label", {
              steps: words.number(feed.steps.length),
              events: words.value(last?.events ?? 0),
            })}
          />
        </Panel>
        <div className={css.pair} data-one={looks !== hears || undefined}>
          {looks ? <AtRiskNow /> : null}
          {hears ? <Stream feed={feed} /> : null}
        </div>
      </div>
    </>
  );
}

/** Takes the pulse from what was asked where the key may not listen to it. */
function useBeatsAsked() {
  const { data, dataUpdatedAt } = useOverview();
  useEffect(() => {
    if (data !== undefined && dataUpdatedAt > 0) noteBeat(data.pulse);
  }, [data, dataUpdatedAt]);
}

function Top({ feed }: { feed: Feed }) {
  const words = useWords();
  const overview = useOverview();
  const beat = feed.beat ?? overview.data?.pulse;
  const health = overview.data?.health;
  const [decided, sent] = beat === undefined ? [0, 0] : [decidedOf(beat), sentOf(beat)];
  const shown = (count: number | undefined) => (count === undefined ? "–" : words.number(count));
  return (
    <Figures>
      <Figure
        name={words.t("overview.events")}
        value={beat === undefined ? "–" : words.value(beat.events_per_second)}
        more={words.t("overview.events.more", { events: shown(beat?.events) })}
      />
      <Figure
        name={words.t("overview.decisions")}
        value={shown(beat && decided)}
        more={words.t("overview.decisions.more")}
      />
      <Figure
        name={words.t("overview.sent")}
        value={shown(beat && sent)}
        more={
          decided === 0
            ? words.t("overview.sent.none")
            : words.t("overview.sent.share", { share: words.percent(sent / decided) })
        }
      />
      <Figure
        name={words.t("overview.lag")}
        value={shown(beat?.lag)}
        more={words.t("overview.lag.more")}
        tone={beat !== undefined && beat.lag > LAG_MANY ? "warm" : undefined}
      />
      <Figure
        name={words.t("overview.health")}
        value={health === undefined ? "–" : words.t(health.ready ? "overview.health.good" : "overview.health.bad")}
        tone={health?.ready === false ? "danger" : undefined}
        more={
          health === undefined
            ? undefined
            : words.t("overview.health.more", {
                work: words.number(health.at_work),
                all: words.number(health.assigned),
              })
        }
      />
    </Figures>
  );
}

function AtRiskNow() {
  const { t } = useWords();
  const risks = useAtRisk(6);
  return (
    <Panel flush="flush" title={t("overview.risk")} aside={<Link to="/customers">{t("overview.risk.all")}</Link>}>
      {risks.isPending ? <Loading lines={6} /> : null}
      {risks.isError ? <Failed error={risks.error} onRetry={() => void risks.refetch()} /> : null}
      {risks.data === undefined ? null : risks.data.customers.length === 0 ? (
        <NobodyAtRisk covers={risks.data.covers} />
      ) : (
        <RiskList risks={risks.data.customers} reasons={2} />
      )}
    </Panel>
  );
}

function Stream({ feed }: { feed: Feed }) {
  const words = useWords();
  const looks = useOpens("customers");
  return (
    <Panel flush="flush" title={words.t("overview.stream")}>
      {feed.decisions.length === 0 ? (
        <Empty title={words.t("overview.stream.empty")} icon={<Radio aria-hidden size={22} />}>
          {words.t("overview.stream.empty.more")}
        </Empty>
      ) : (
        <ol className={css.stream}>
          {feed.decisions.map((decision) => (
            <li key={decision.id} className={css.decision}>
              <time className={css.time} dateTime={decision.at}>
                {words.clock(new Date(decision.at))}
              </time>
              <div className={css.what}>
                <span className={css.line}>
                  {looks ? (
                    <Link to="/customers/$id" params={{ id: decision.customer }} className={css.who}>
                      {decision.customer}
                    </Link>
                  ) : (
                    <span className={css.who}>{decision.customer}</span>
                  )}
                  <Verdict verdict={decision.verdict} />
                </span>
                <span className={css.why}>
                  {decision.trigger}
                  {decision.verdict === "sent" ? null : ` · ${words.term("reason", decision.reason)}`}
                </span>
              </div>
            </li>
          ))}
        </ol>
      )}
    </Panel>
  );
}
