import { type ComponentProps, type ReactNode, useEffect, useId, useRef } from "react";
import { useWords } from "../i18n/context";
import css from "./Control.module.css";

type ButtonProps = ComponentProps<"button"> & { look?: "main" | "plain" | "danger" | "bare" };

/** A button. */
export function Button({ look = "plain", type = "button", className, ...rest }: ButtonProps) {
  return <button type={type} className={`${css.button} ${className ?? ""}`} data-look={look} {...rest} />;
}

/** One of few, all in sight. */
export function Choice<T extends string>({
  label,
  options,
  value,
  onChoose,
}: {
  label: string;
  options: { value: T; text: ReactNode; title?: string }[];
  value: T;
  onChoose: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset className={css.choice}>
      <legend className="hidden-visually">{label}</legend>
      {options.map((option) => (
        <label key={option.value} title={option.title} className={css.option}>
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            onChange={() => onChoose(option.value)}
            aria-label={option.title}
          />
          <span>{option.text}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** A field with its name above it. */
export function Field({ label, hint, ...rest }: ComponentProps<"input"> & { label: string; hint?: string }) {
  const id = useId();
  return (
    <div className={css.field}>
      <label htmlFor={id}>{label}</label>
      <input id={id} className={css.input} aria-describedby={hint === undefined ? undefined : `${id}-hint`} {...rest} />
      {hint === undefined ? null : (
        <p id={`${id}-hint`} className={css.hint}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** The way to the next entries of a list. */
export function More({
  list,
}: {
  list: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
}) {
  const { t } = useWords();
  if (!list.hasNextPage) return null;
  return (
    <div className={css.more}>
      <Button disabled={list.isFetchingNextPage} onClick={() => list.fetchNextPage()}>
        {t("more")}
      </Button>
    </div>
  );
}

/** A question that has to be answered before anything else is done. Escape is no. */
export function Ask({
  title,
  children,
  yes,
  no,
  danger,
  onAnswer,
}: {
  title: string;
  children: ReactNode;
  yes: string;
  no: string;
  danger?: "danger";
  onAnswer: (answer: "yes" | "no") => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={css.dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onAnswer("no");
      }}
    >
      <h2 id={id} className={css.question}>
        {title}
      </h2>
      <div className={css.about}>{children}</div>
      <div className={css.answers}>
        <Button onClick={() => onAnswer("no")}>{no}</Button>
        <Button look={danger ?? "main"} onClick={() => onAnswer("yes")}>
          {yes}
        </Button>
      </div>
    </dialog>
  );
}
