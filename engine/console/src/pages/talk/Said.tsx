import { type ReactNode, useId } from "react";
import type { Turn } from "../../api/queries";
import { useWords } from "../../i18n/context";
import { Badge } from "../../parts/Badge";
import { Button } from "../../parts/Control";
import { whyOf } from "../../parts/State";
import { discard, type Sent, sendAgain } from "../../talk/outbox";
import { partsOf } from "../../talk/thread";
import css from "./Said.module.css";

/** One turn: what was said and by whom, or a change of hands. */
export function Said({ turn, name }: { turn: Turn; name: string }) {
  const words = useWords();
  const at = new Date(turn.at);
  const time = (
    <time className={css.time} dateTime={at.toISOString()} title={words.moment(at)}>
      {words.time(at)}
    </time>
  );
  if (turn.act !== "said") {
    return (
      <li className={css.hands}>
        <span>
          {words.t(turn.act === "took_over" ? "talk.took" : "talk.handed", { agent: turn.by })} · {time}
        </span>
      </li>
    );
  }
  return (
    <li className={css.turn} data-speaker={turn.speaker}>
      <p className={css.label}>
        <strong>{turn.speaker === "customer" ? name : whoSpeaks(turn, words)}</strong>
        <Marks turn={turn} />
        {time}
      </p>
      <div className={css.words}>
        <Text turn={turn} />
        <Sources turn={turn} />
      </div>
    </li>
  );
}

function whoSpeaks(turn: Turn, words: ReturnType<typeof useWords>): string {
  return turn.speaker === "agent" && turn.by !== "" ? turn.by : words.term("speaker", turn.speaker);
}

/** What the words are: an AI's, set text, outreach of a trigger. */
function Marks({ turn }: { turn: Turn }) {
  const { t } = useWords();
  const isOutreach = turn.speaker === "outreach";
  return (
    <>
      {isOutreach ? <Badge tone="amber">{t("talk.outreach")}</Badge> : null}
      {turn.made === "ai" ? <span className={css.ai}>{t("talk.ai")}</span> : null}
      {turn.made === "template" && !isOutreach ? <Badge tone="quiet">{t("talk.set")}</Badge> : null}
      {isOutreach && turn.by !== "" ? (
        <span className={css.trigger}>{t("talk.trigger", { trigger: turn.by })}</span>
      ) : null}
      {turn.rung === "hand_off" ? <Badge tone="warm">{t("talk.handoff")}</Badge> : null}
    </>
  );
}

function Text({ turn }: { turn: Turn }): ReactNode {
  return (
    <p className={css.text} lang={turn.lang || undefined} dir="auto">
      {partsOf(turn).map((part, place) =>
        typeof part === "string" ? (
          part
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text never change
          <span key={place} className={css.number}>
            {part}
          </span>
        ),
      )}
    </p>
  );
}

/** What the numbers in an answer stand for. */
function Sources({ turn: { sources, lang } }: { turn: Turn }) {
  const { t } = useWords();
  const id = useId();
  if (sources.length === 0) return null;
  return (
    <div className={css.sources}>
      <p id={id} className="hidden-visually">
        {t("talk.sources")}
      </p>
      <ul aria-labelledby={id}>
        {sources.map(({ number, passage, title, source }) => (
          <li key={passage} className={css.source}>
            <span className={css.number}>{number}</span>
            <span className={css.title}>
              <span lang={lang || undefined}>{title}</span> <span className={css.file}>{source}</span>
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** What this agent said and what is not in the thread yet, or did not get through. */
export function Unseen({ customer, one: { id, agent, text, problem } }: { customer: string; one: Sent }) {
  const words = useWords();
  return (
    <li className={css.turn} data-speaker="agent" data-unseen={problem === null ? "sending" : "failed"}>
      <p className={css.label}>
        <strong>{agent}</strong>
        {problem === null ? (
          <span className={css.time}>{words.t("talk.sending")}</span>
        ) : (
          <Badge tone="danger">{words.t("talk.unsent")}</Badge>
        )}
      </p>
      <div className={css.words}>
        <p className={css.text} dir="auto">
          {text}
        </p>
      </div>
      {problem === null ? null : (
        <div className={css.unsent} role="alert">
          <p>{words.t("talk.unsent.more", { why: whyOf(problem, words.t) })}</p>
          <Button onClick={() => sendAgain(customer, id)}>{words.t("talk.again")}</Button>
          <Button look="bare" onClick={() => discard(customer, id)}>
            {words.t("talk.discard")}
          </Button>
        </div>
      )}
    </li>
  );
}
