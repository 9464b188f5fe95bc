import type { ReactNode } from "react";
import css from "./Surface.module.css";

/** One thing on a page, with its name. */
export function Panel({
  title,
  aside,
  children,
  flush,
}: {
  title: string;
  aside?: ReactNode;
  children: ReactNode;
  flush?: "flush";
}) {
  return (
    <section className={css.panel} aria-label={title}>
      <header className={css.head}>
        <h2 className={css.name}>{title}</h2>
        {aside}
      </header>
      <div className={flush === undefined ? css.body : css.flush}>{children}</div>
    </section>
  );
}

/** What a page begins with. */
export function PageHead({ title, lead, aside }: { title: string; lead?: ReactNode; aside?: ReactNode }) {
  return (
    <header className={css.page}>
      <div>
        <h1 className={css.title}>{title}</h1>
        {lead === undefined ? null : <p className={css.lead}>{lead}</p>}
      </div>
      {aside === undefined ? null : <div className={css.aside}>{aside}</div>}
    </header>
  );
}

/** A figure with its name, and a line that says more. */
export function Figure({
  name,
  value,
  more,
  tone,
}: {
  name: string;
  value: ReactNode;
  more?: ReactNode;
  tone?: "warm" | "danger" | undefined;
}) {
  return (
    <div className={css.figure} data-tone={tone}>
      <dt>{name}</dt>
      <dd>
        <span className={css.value}>{value}</span>
        {more === undefined ? null : <span className={css.more}>{more}</span>}
      </dd>
    </div>
  );
}

/** Figures in a row. */
export function Figures({ children }: { children: ReactNode }) {
  return <dl className={css.figures}>{children}</dl>;
}

/** Names and what they stand for. */
export function Facts({ facts }: { facts: [name: string, value: ReactNode][] }) {
  return (
    <dl className={css.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
