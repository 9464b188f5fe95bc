import { Link, useParams } from "@tanstack/react-router";
import { ArrowLeft, MessageCircleDashed, UserRound } from "lucide-react";
import { useEffect, useState } from "react";
import { type Hand, useHand, useThread } from "../../api/queries";
import { useOpens } from "../../app/roles";
import { useWords } from "../../i18n/context";
import { Badge } from "../../parts/Badge";
import { Button } from "../../parts/Control";
import { Empty, Failed, Loading, whyOf } from "../../parts/State";
import { useAgent } from "../../talk/agent";
import { saw, useDesk } from "../../talk/outbox";
import { type Talk, whoHas } from "../../talk/thread";
import { Dock } from "./Dock";
import { Log } from "./Log";
import { useName } from "./name";
import css from "./Thread.module.css";

/** One customer's conversation, and what an agent may do in it. */
export function Thread() {
  const { id } = useParams({ from: "/conversations/$id" });
  // Another customer is another page: nothing of the one before is kept.
  return <Opened key={id} id={id} />;
}

function Opened({ id }: { id: string }) {
  const words = useWords();
  const name = useName(id);
  const { sent } = useDesk(id);
  const [asked, ask] = useState<Talk["owner"] | null>(null);
  const thread = useThread(id, asked !== null || sent.some(({ problem }) => problem === null));
  const talk = thread.data;
  useEffect(() => {
    if (talk !== undefined) saw(id, talk.turns);
  }, [id, talk]);
  useEffect(() => {
    if (talk?.owner === asked) ask(null);
  }, [talk, asked]);
  return (
    <section className={css.thread} aria-label={words.t("talk.of", { customer: name })} data-opened tabIndex={-1}>
      <Head id={id} name={name} talk={talk} />
      {talk !== undefined && thread.isError ? (
        <p className={css.old} role="status">
          {words.t("talk.old")}
        </p>
      ) : null}
      {thread.isPending ? <Loading lines={8} /> : null}
      {talk === undefined && thread.isError ? (
        <Failed error={thread.error} onRetry={() => void thread.refetch()} />
      ) : null}
      {talk === undefined ? null : (
        <>
          {talk.turns.length + sent.length === 0 ? (
            <div className={css.nothing}>
              <Empty title={words.t("talk.empty")} icon={<MessageCircleDashed aria-hidden size={22} />}>
                {words.t("talk.empty.more")}
              </Empty>
            </div>
          ) : (
            <Log id={id} name={name} turns={talk.turns} sent={sent} />
          )}
          <Hands id={id} name={name} talk={talk} isAsked={asked !== null} onAsk={ask} />
        </>
      )}
    </section>
  );
}

function Head({ id, name, talk }: { id: string; name: string; talk: Talk | undefined }) {
  const words = useWords();
  const opensCustomer = useOpens("customers");
  const agent = talk === undefined ? null : whoHas(talk);
  return (
    <header className={css.head}>
      <Link to="/conversations" className={css.back} aria-label={words.t("talk.back")}>
        <ArrowLeft aria-hidden size={18} />
      </Link>
      <div className={css.title}>
        <h2 className={css.name}>{name}</h2>
        {name === id ? null : <span className={css.id}>{id}</span>}
      </div>
      <div className={css.aside}>
        {talk === undefined ? null : (
          <Badge tone={talk.owner === "human" ? "good" : "quiet"}>
            {talk.owner === "bot"
              ? words.t("talk.owner.bot")
              : agent === null
                ? words.t("talk.owner.human")
                : words.t("talk.owner.name", { agent })}
          </Badge>
        )}
        {opensCustomer ? (
          <Link to="/customers/$id" params={{ id }} className={css.about} title={words.t("talk.about")}>
            <UserRound aria-hidden size={16} />
            <span>{words.t("talk.about")}</span>
          </Link>
        ) : null}
      </div>
    </header>
  );
}

/** Who speaks to the customer from here on, and what an agent needs for it. */
function Hands({
  id,
  name,
  talk,
  isAsked,
  onAsk,
}: {
  id: string;
  name: string;
  talk: Talk;
  isAsked: boolean;
  onAsk: (owner: Talk["owner"] | null) => void;
}) {
  const words = useWords();
  const agent = useAgent();
  const change = useHand(id);
  const [hand, owner]: [Hand, Talk["owner"]] = talk.owner === "bot" ? ["take-over", "human"] : ["hand-back", "bot"];
  const act = (agent: string) => {
    onAsk(owner);
    change.mutate({ hand, agent }, { onError: () => onAsk(null) });
  };
  const button = (
    <Button
      look={hand === "take-over" ? "main" : "plain"}
      // Not `disabled` while it is under way: a button that is takes the focus away from who pressed it.
      aria-disabled={isAsked}
      onClick={() => (agent === null || isAsked ? null : act(agent))}
    >
      {words.t(hand === "take-over" ? "talk.take" : "talk.give")}
    </Button>
  );
  return (
    <>
      {change.isError ? (
        <p className={css.failed} role="alert">
          {words.t("talk.failed", { why: whyOf(change.error, words.t) })}
        </p>
      ) : null}
      <Dock id={id} name={name} talk={talk} agent={agent} button={button} />
    </>
  );
}
