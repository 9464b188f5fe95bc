import { Link, Outlet, useParams } from "@tanstack/react-router";
import { MessageCircleDashed, MessagesSquare } from "lucide-react";
import { Problem } from "../api/problem";
import { type Conversation, useConversations } from "../api/queries";
import { useOpens } from "../app/roles";
import { useWords } from "../i18n/context";
import { Badge } from "../parts/Badge";
import { Empty, Failed, Loading } from "../parts/State";
import { PageHead, Panel } from "../parts/Surface";
import { useNow } from "../parts/useNow";
import { inOrder } from "../talk/thread";
import css from "./Conversations.module.css";
import { useCalled } from "./talk/name";

/** Who talks with the shop, those who wait for a person first; beside it the thread that is open. */
export function Conversations() {
  const words = useWords();
  const isOpen = useOpens("conversations");
  const { id } = useParams({ strict: false });
  if (!isOpen) {
    return (
      <>
        <PageHead title={words.t("talk.title")} />
        <Failed error={new Problem(403, "forbidden", "", "")} />
      </>
    );
  }
  return (
    <div className={css.page} data-open={id !== undefined}>
      <div className={css.head}>
        <PageHead title={words.t("talk.title")} lead={words.t("talk.lead")} />
      </div>
      <div className={css.sides}>
        <Threads open={id} />
        {id === undefined ? <Choose /> : <Outlet />}
      </div>
    </div>
  );
}

function Threads({ open }: { open: string | undefined }) {
  const words = useWords();
  const list = useConversations();
  const threads = inOrder(list.data?.conversations ?? []);
  const waiting = threads.filter(({ waits }) => waits).length;
  return (
    <div className={css.list}>
      <Panel
        flush="flush"
        title={words.t("talk.open")}
        aside={waiting === 0 ? null : <Badge tone="warm">{words.count("talk.waiting", waiting)}</Badge>}
      >
        {list.isPending ? <Loading lines={6} /> : null}
        {list.isError && list.data === undefined ? (
          <Failed error={list.error} onRetry={() => void list.refetch()} />
        ) : null}
        {list.isError && list.data !== undefined ? (
          <p className={css.old} role="status">
            {words.t("talk.old")}
          </p>
        ) : null}
        {list.isSuccess && threads.length === 0 ? (
          <Empty title={words.t("talk.none")} icon={<MessagesSquare aria-hidden size={22} />}>
            {words.t("talk.none.more")}
          </Empty>
        ) : null}
        <ul>
          {threads.map((thread) => (
            <Item key={thread.customer} thread={thread} isOpen={thread.customer === open} />
          ))}
        </ul>
      </Panel>
    </div>
  );
}

function Item({ thread, isOpen }: { thread: Conversation; isOpen: boolean }) {
  const words = useWords();
  const now = useNow();
  const at = new Date(thread.at);
  // What was said just now is not ahead of a time that was asked for a moment before.
  const told = at > now ? at : now;
  return (
    <li className={css.item} data-waits={thread.waits} data-open={isOpen}>
      <Link
        to="/conversations/$id"
        params={{ id: thread.customer }}
        className={css.thread}
        title={thread.customer}
        resetScroll={false}
      >
        <span className={css.line}>
          <strong className={css.name}>{useCalled(thread.customer)}</strong>
          <time className={css.when} dateTime={at.toISOString()}>
            {words.ago(at, told)}
          </time>
        </span>
        <span className={css.last}>
          <span className={css.who}>{words.term("speaker", thread.speaker)}: </span>
          {thread.text}
        </span>
        <span className={css.badges}>
          {thread.waits ? <Badge tone="warm">{words.t("talk.waits")}</Badge> : null}
          <Badge tone={thread.owner === "human" ? "good" : "quiet"}>
            {words.t(thread.owner === "human" ? "talk.owner.human" : "talk.owner.bot")}
          </Badge>
        </span>
      </Link>
    </li>
  );
}

/** What stands beside the list while no thread is open. */
function Choose() {
  const words = useWords();
  const waiting = useConversations().data?.conversations.filter(({ waits }) => waits).length ?? 0;
  return (
    <div className={css.choose}>
      <Empty title={words.t("talk.choose")} icon={<MessageCircleDashed aria-hidden size={22} />}>
        {waiting === 0 ? words.t("talk.choose.more") : words.count("talk.choose.waits", waiting)}
      </Empty>
    </div>
  );
}
