import { Link, useParams } from "@tanstack/react-router";
import { ArrowLeft, History, MessagesSquare } from "lucide-react";
import { type Customer as Known, useCustomer, useTimeline } from "../api/queries";
import { useOpens } from "../app/roles";
import { useWords } from "../i18n/context";
import { Badge } from "../parts/Badge";
import { More } from "../parts/Control";
import { nameOf } from "../parts/name";
import { Empty, Failed, Loading } from "../parts/State";
import { PageHead, Panel } from "../parts/Surface";
import { useNow } from "../parts/useNow";
import css from "./Customer.module.css";
import { Decisions } from "./customer/Decisions";
import { Profile } from "./customer/Profile";
import { Scores } from "./customer/Scores";
import { Waiting } from "./customer/Waiting";

/** One customer: who, how likely to do what, what happened, what was decided. */
export function Customer() {
  const words = useWords();
  const { id } = useParams({ from: "/customers/$id" });
  const customer = useCustomer(id);
  return (
    <>
      <Link to="/customers" className={css.back}>
        <ArrowLeft aria-hidden size={15} />
        {words.t("nav.customers")}
      </Link>
      {customer.isPending ? (
        <>
          <PageHead title={id} />
          <Loading lines={8} />
        </>
      ) : customer.isError ? (
        <>
          <PageHead title={id} />
          <Failed error={customer.error} onRetry={() => void customer.refetch()} />
        </>
      ) : (
        <Whole known={customer.data} />
      )}
    </>
  );
}

function Whole({ known }: { known: Known }) {
  const words = useWords();
  return (
    <>
      <Head known={known} />
      {known.erased ? (
        <Empty title={words.t("customer.erased")} />
      ) : (
        <div className={css.columns}>
          <div className={css.stack}>
            <Scores known={known} />
            <Decisions id={known.id} />
          </div>
          <div className={css.stack}>
            <Waiting instances={known.instances} />
            <Profile known={known} />
            <Timeline id={known.id} />
          </div>
        </div>
      )}
    </>
  );
}

function Head({ known }: { known: Known }) {
  const words = useWords();
  const now = useNow();
  const ago = (at: string | null | undefined) => (at ? words.ago(new Date(at), now) : "–");
  const name = nameOf(known.traits);
  const opensTalk = useOpens("conversations");
  const seen = words.t("customer.lead", { first: ago(known.first_seen), last: ago(known.last_seen) });
  return (
    <PageHead
      title={name ?? known.id}
      lead={name === null ? seen : `${known.id} · ${seen}`}
      aside={
        <>
          {opensTalk && !known.erased ? (
            <Link to="/conversations/$id" params={{ id: known.id }} className={css.talk}>
              <MessagesSquare aria-hidden size={15} />
              {words.t("talk.see")}
            </Link>
          ) : null}
          {known.suppressed ? <Badge tone="warm">{words.t("customer.suppressed")}</Badge> : null}
          <Badge tone={known.identified ? "good" : "quiet"}>
            {words.t(known.identified ? "customer.identified" : "customer.anonymous")}
          </Badge>
        </>
      }
    />
  );
}

function Timeline({ id }: { id: string }) {
  const words = useWords();
  const timeline = useTimeline(id);
  const all = timeline.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <Panel title={words.t("customer.timeline")} flush="flush">
      {timeline.isPending ? <Loading /> : null}
      {timeline.isError ? <Failed error={timeline.error} onRetry={() => void timeline.refetch()} /> : null}
      {timeline.isSuccess && all.length === 0 ? (
        <Empty title={words.t("customer.timeline.empty")} icon={<History aria-hidden size={22} />} />
      ) : null}
      <ol className={css.timeline}>
        {all.map((entry) => (
          <li key={`${entry.at} ${entry.kind} ${entry.about}`} className={css.moment} data-kind={entry.kind}>
            <span>{entry.words}</span>
            <time className={css.small} dateTime={entry.at}>
              {words.moment(new Date(entry.at))}
            </time>
          </li>
        ))}
      </ol>
      <More list={timeline} />
    </Panel>
  );
}
