import { SendHorizontal } from "lucide-react";
import { type FormEvent, type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { useWords } from "../../i18n/context";
import { Button, Field } from "../../parts/Control";
import { AGENT_MAX, setAgent } from "../../talk/agent";
import { send, useDesk, write } from "../../talk/outbox";
import { type Talk, whoHas } from "../../talk/thread";
import css from "./Dock.module.css";

/** Characters that a message may have. */
const TEXT_MAX = 4_000;

/** Where an agent speaks, or why not: a name is wanted first, and the bot is silent only where a person took over. */
export function Dock({
  id,
  name,
  talk,
  agent,
  button,
}: {
  id: string;
  name: string;
  talk: Talk;
  agent: string | null;
  button: ReactNode;
}) {
  const words = useWords();
  const holder = whoHas(talk);
  const [before] = useState(talk.owner);
  if (agent === null) {
    return (
      <div className={css.dock}>
        {talk.owner === "bot" ? <p className={css.why}>{words.t("talk.bot")}</p> : null}
        <NameForm />
      </div>
    );
  }
  return (
    <div className={css.dock}>
      {talk.owner === "bot" ? <p className={css.why}>{words.t("talk.bot")}</p> : null}
      {holder !== null && holder !== agent ? (
        <p className={css.why}>{words.t("talk.other", { agent: holder })}</p>
      ) : null}
      {talk.owner === "human" ? <Composer id={id} name={name} agent={agent} isNew={before === "bot"} /> : null}
      <div className={css.foot}>
        <p className={css.as}>
          {words.t("talk.name.as", { agent })}
          <Button look="bare" className={css.change} onClick={() => setAgent(null)}>
            {words.t("talk.name.change")}
          </Button>
        </p>
        {button}
      </div>
    </div>
  );
}

function NameForm() {
  const words = useWords();
  const [typed, type] = useState("");
  const save = (event: FormEvent) => {
    event.preventDefault();
    if (typed.trim() !== "") setAgent(typed.trim());
  };
  return (
    <form className={css.name} onSubmit={save}>
      <Field
        label={words.t("talk.name")}
        hint={words.t("talk.name.hint")}
        value={typed}
        maxLength={AGENT_MAX}
        autoComplete="nickname"
        onChange={(event) => type(event.target.value)}
      />
      <Button type="submit" look="main" disabled={typed.trim() === ""}>
        {words.t("talk.name.save")}
      </Button>
    </form>
  );
}

/** The field for what is said next. What stands in it is kept while other threads are read. */
function Composer({ id, name, agent, isNew }: { id: string; name: string; agent: string; isNew: boolean }) {
  const words = useWords();
  const { draft } = useDesk(id);
  const field = useRef<HTMLTextAreaElement>(null);
  const about = useId();
  useEffect(() => {
    // Whoever took a thread over wants to speak; who opens one may want to read.
    if (isNew) field.current?.focus({ preventScroll: true });
  }, [isNew]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    send(id, agent);
    field.current?.focus({ preventScroll: true });
  };
  const enter = (event: KeyboardEvent) => {
    // Enter also ends a word that an input method composes.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send(id, agent);
  };
  return (
    <form className={css.composer} onSubmit={submit}>
      <textarea
        ref={field}
        className={css.field}
        rows={2}
        value={draft}
        maxLength={TEXT_MAX}
        dir="auto"
        aria-label={words.t("talk.message", { customer: name })}
        aria-describedby={about}
        placeholder={words.t("talk.message", { customer: name })}
        onChange={(event) => write(id, event.target.value)}
        onKeyDown={enter}
      />
      <Button
        type="submit"
        look="main"
        className={css.send}
        disabled={draft.trim() === ""}
        aria-label={words.t("talk.send")}
      >
        <SendHorizontal aria-hidden size={17} />
      </Button>
      <p id={about} className={css.keys}>
        {words.t("talk.keys")}
      </p>
    </form>
  );
}
