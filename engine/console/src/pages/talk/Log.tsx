import { ArrowDown } from "lucide-react";
import { Fragment, useState } from "react";
import type { Turn } from "../../api/queries";
import { useWords } from "../../i18n/context";
import { Button } from "../../parts/Control";
import type { Sent } from "../../talk/outbox";
import { beginsDay } from "../../talk/thread";
import css from "./Log.module.css";
import { Said, Unseen } from "./Said";
import { useEnd } from "./useEnd";

/** Turns that are shown at first, and with each wish for earlier ones. */
const SHOWN = 100;

/** What was said, the newest at the end. It stays at the end while the reader is there. */
export function Log({ id, name, turns, sent }: { id: string; name: string; turns: Turn[]; sent: readonly Sent[] }) {
  const words = useWords();
  const [earlier, showEarlier] = useState(0);
  const [first] = useState(turns.length);
  // An erased customer has fewer turns than there were.
  const from = Math.max(0, Math.min(first, turns.length) - SHOWN - earlier);
  const { frame, missed, goToEnd, hold } = useEnd(turns.length, sent.length);
  return (
    <div className={css.outer}>
      <div
        ref={frame}
        className={css.log}
        role="log"
        aria-label={words.t("talk.of", { customer: name })}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: without focus there is no scrolling by keyboard
        tabIndex={0}
      >
        {from === 0 ? null : (
          <Button
            className={css.earlier}
            onClick={() => {
              hold();
              showEarlier(earlier + SHOWN);
            }}
          >
            {words.t("talk.earlier")}
          </Button>
        )}
        <ol className={css.turns}>
          {turns.slice(from).map((turn, place) => (
            <Fragment key={turn.id}>
              {beginsDay(turn, turns[from + place - 1]) ? (
                <li className={css.day}>
                  <time dateTime={new Date(turn.at).toISOString()}>{words.day(new Date(turn.at))}</time>
                </li>
              ) : null}
              <Said turn={turn} name={name} />
            </Fragment>
          ))}
          {sent
            .filter((one) => !turns.some(({ message }) => message === one.id))
            .map((one) => (
              <Unseen key={one.id} customer={id} one={one} />
            ))}
        </ol>
      </div>
      {missed === 0 ? null : (
        <Button look="main" className={css.missed} onClick={goToEnd}>
          <ArrowDown aria-hidden size={15} />
          {words.count("talk.new", missed)}
        </Button>
      )}
    </div>
  );
}
