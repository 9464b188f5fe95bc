import { Zap } from "lucide-react";
import { type Trigger, useTriggers } from "../api/queries";
import { useWords } from "../i18n/context";
import { Badge, type Tone, Verdict } from "../parts/Badge";
import { Empty, Failed, Loading } from "../parts/State";
import { PageHead } from "../parts/Surface";
import css from "./Triggers.module.css";

const TONES: Record<string, Tone> = { live: "good", shadow: "amber", paused: "quiet" };

/** The triggers in force, in plain words. */
export function Triggers() {
  const { t } = useWords();
  const triggers = useTriggers();
  return (
    <>
      <PageHead title={t("triggers.title")} lead={t("triggers.lead")} />
      {triggers.isPending ? <Loading lines={8} /> : null}
      {triggers.isError ? <Failed error={triggers.error} onRetry={() => void triggers.refetch()} /> : null}
      {triggers.data?.triggers.length === 0 ? (
        <Empty title={t("triggers.empty")} icon={<Zap aria-hidden size={22} />}>
          {t("triggers.empty.more")}
        </Empty>
      ) : null}
      <div className={css.grid}>
        {triggers.data?.triggers.map((trigger) => (
          <Card key={trigger.name} trigger={trigger} />
        ))}
      </div>
    </>
  );
}

function Card({ trigger }: { trigger: Trigger }) {
  const words = useWords();
  const mode = trigger.mode === "shadow" || trigger.mode === "paused" ? trigger.mode : "live";
  return (
    <article className={css.card} aria-label={trigger.name}>
      <header className={css.head}>
        <h2 className={css.title}>{trigger.description}</h2>
        <Badge tone={TONES[mode] ?? "quiet"}>{words.t(`triggers.mode.${mode}`)}</Badge>
        <p className={css.name}>
          {trigger.name} · {words.t("triggers.version", { version: trigger.version })} · {trigger.category} ·{" "}
          {trigger.channel}
        </p>
      </header>
      <Plain words={trigger.words} />
      <Decided decided={trigger.decided} />
    </article>
  );
}

/** How its decisions ended, where it made any. */
function Decided({ decided }: { decided: Trigger["decided"] }) {
  const words = useWords();
  const ended = Object.entries(decided).filter(([, count]) => count > 0);
  if (ended.length === 0) return null;
  return (
    <footer className={css.decided}>
      <span>{words.t("triggers.decided")}</span>
      {ended.map(([verdict, count]) => (
        <span key={verdict} className={css.ended}>
          <Verdict verdict={verdict} /> {words.number(count)}
        </span>
      ))}
    </footer>
  );
}

/** What the engine says of a trigger: lines of `name: text`, with lists below some of them. */
function Plain({ words }: { words: string }) {
  const [, ...lines] = words.split("\n").filter((line) => line.trim() !== "");
  return (
    <dl className={css.plain}>
      {lines.map((line, place) => {
        const text = line.trim();
        const cut = text.indexOf(": ");
        const isItem = text.startsWith("- ");
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the lines are fixed, and some are equal
          <div key={place} data-item={isItem || undefined}>
            {isItem || cut < 0 ? (
              <dd className={css.whole}>{isItem ? text.slice(2) : text.replace(/:$/, "")}</dd>
            ) : (
              <>
                <dt>{text.slice(0, cut)}</dt>
                <dd>{text.slice(cut + 2)}</dd>
              </>
            )}
          </div>
        );
      })}
    </dl>
  );
}
