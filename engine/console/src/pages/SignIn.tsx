import { type FormEvent, type ReactNode, useState } from "react";
import { Mark } from "../app/Shell";
import { setKey } from "../app/session";
import { useWords } from "../i18n/context";
import { Button, Field } from "../parts/Control";
import css from "./SignIn.module.css";

/** Why a key opens nothing. */
type Refusal = "refused" | "malformed" | "ingest";

/** Asks for a key, and says how one is made. */
export function SignIn({ corner, refusal }: { corner: ReactNode; refusal: Refusal | null }) {
  const { t } = useWords();
  const [key, setTyped] = useState("");
  const enter = (event: FormEvent) => {
    event.preventDefault();
    const typed = key.trim();
    if (typed !== "") setKey(typed);
  };
  return (
    <main className={css.page}>
      <div className={css.corner}>{corner}</div>
      <div className={css.card}>
        <Mark />
        <h1 className={css.title}>{t("sign.title")}</h1>
        <p className={css.lead}>{t("sign.lead")}</p>
        <form className={css.form} onSubmit={enter}>
          <Field
            label={t("sign.key")}
            type="password"
            autoComplete="off"
            spellCheck={false}
            required
            value={key}
            onChange={(event) => setTyped(event.target.value)}
          />
          {refusal === null ? null : (
            <p className={css.refused} role="alert">
              {t(`sign.${refusal}`)}
            </p>
          )}
          <Button type="submit" look="main">
            {t("sign.enter")}
          </Button>
        </form>
        <section className={css.how}>
          <h2>{t("sign.how")}</h2>
          <p>{t("sign.how.more")}</p>
          <pre className={css.command}>
            <code>care keys create --role analyst --name me</code>
          </pre>
        </section>
      </div>
    </main>
  );
}
