import { MailCheck } from "lucide-react";
import { useState } from "react";
import { newId } from "../api/id";
import { type Letter, useLetters, useReplay } from "../api/queries";
import { useWords } from "../i18n/context";
import { Badge } from "../parts/Badge";
import { Ask, Button } from "../parts/Control";
import { Empty, Failed, Loading } from "../parts/State";
import { Facts, PageHead, Panel } from "../parts/Surface";
import css from "./Letters.module.css";

/** Records that could not be handled, why, and another try. */
export function Letters() {
  const words = useWords();
  const letters = useLetters();
  const all = letters.data?.pages.flatMap((page) => page.letters) ?? [];
  return (
    <>
      <PageHead title={words.t("letters.title")} lead={words.t("letters.lead")} />
      <Panel title={words.t("letters.records")} flush="flush">
        {letters.isPending ? <Loading /> : null}
        {letters.isError ? <Failed error={letters.error} onRetry={() => void letters.refetch()} /> : null}
        {letters.isSuccess && all.length === 0 ? (
          <Empty title={words.t("letters.empty")} icon={<MailCheck aria-hidden size={22} />}>
            {words.t("letters.empty.more")}
          </Empty>
        ) : null}
        <ul>
          {all.map((letter) => (
            <Item key={`${letter.partition} ${letter.letter}`} letter={letter} />
          ))}
        </ul>
        {letters.hasNextPage ? (
          <div className={css.more}>
            <Button disabled={letters.isFetchingNextPage} onClick={() => void letters.fetchNextPage()}>
              {words.t("more")}
            </Button>
          </div>
        ) : null}
      </Panel>
    </>
  );
}

function Item({ letter }: { letter: Letter }) {
  const words = useWords();
  const replay = useReplay();
  const [isAsking, ask] = useState(false);
  return (
    <li className={css.item}>
      <details>
        <summary className={css.summary}>
          <span className={css.why}>{letter.message}</span>
          <Badge tone={letter.retried ? "quiet" : "amber"}>
            {words.t(letter.retried ? "letters.retried" : "letters.lies")}
          </Badge>
          <span className={css.small}>
            {letter.key || "–"} · {words.moment(new Date(letter.at))}
          </span>
        </summary>
        <div className={css.body}>
          <Facts
            facts={[
              [words.t("letters.kind"), letter.kind],
              [words.t("letters.tries"), words.number(letter.tries)],
              [words.t("letters.reason"), letter.reason],
              [words.t("letters.place"), `${letter.topic} ${letter.partition}:${letter.position}`],
            ]}
          />
          <pre className={css.record}>{letter.cut ? `${letter.body}…` : letter.body}</pre>
          {replay.isError ? <Failed error={replay.error} /> : null}
          {replay.isSuccess ? <p role="status">{words.t("letters.replayed")}</p> : null}
          <Button disabled={replay.isPending} onClick={() => ask(true)}>
            {words.t("letters.replay")}
          </Button>
        </div>
      </details>
      {isAsking ? (
        <Ask
          title={words.t("letters.replay.title")}
          yes={words.t("letters.replay.yes")}
          no={words.t("letters.replay.no")}
          onAnswer={(answer) => {
            ask(false);
            if (answer === "yes") replay.mutate({ letter, id: newId() });
          }}
        >
          {words.t("letters.replay.more")}
        </Ask>
      ) : null}
    </li>
  );
}
