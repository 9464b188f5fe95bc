import { useQueryClient } from "@tanstack/react-query";
import { Link, useRouterState } from "@tanstack/react-router";
import { LogOut, Monitor, Moon, Settings2, Sun } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useLanguage, useWords } from "../i18n/context";
import { LANGUAGES, type Language } from "../i18n/words";
import { forgetFeed } from "../live/feed";
import { SignIn } from "../pages/SignIn";
import { Button, Choice } from "../parts/Control";
import { forgetDesks } from "../talk/outbox";
import { PLACES } from "./places";
import { opens, RoleContext } from "./roles";
import css from "./Shell.module.css";
import { getAbsence, type Holder, holderOf, setKey, useKey } from "./session";
import { chooseTheme, THEMES, type Theme, useTheme } from "./theme";

/** What stands around every page: the menu, display and account. Without a key that opens something it asks for one. */
export function Shell({ children }: { children: ReactNode }) {
  const words = useWords();
  const key = useKey();
  const path = useRouterState({ select: (state) => state.location.pathname });
  usePageTitle(path);
  const main = usePageFocus(path);
  if (key === null) return <SignIn corner={<Display />} refusal={getAbsence() === "refused" ? "refused" : null} />;
  const holder = holderOf(key);
  if (holder === null) return <SignIn corner={<Display />} refusal="malformed" />;
  if (holder.role === "ingest") return <SignIn corner={<Display />} refusal="ingest" />;
  const places = PLACES.filter((place) => opens(holder.role, place.area));
  return (
    <div className={css.shell}>
      <a className={css.skip} href="#page">
        {words.t("app.skip")}
      </a>
      <header className={css.rail}>
        <Link to="/" className={css.brand}>
          <Mark />
          <span>{words.t("app.name")}</span>
        </Link>
        <nav className={css.nav} aria-label={words.t("app.nav")}>
          {places.map(({ to, name, icon: Icon }) => (
            <Link key={to} to={to} className={css.place} activeOptions={{ exact: to === "/" }}>
              <Icon aria-hidden size={18} strokeWidth={1.8} />
              <span>{words.t(name)}</span>
            </Link>
          ))}
        </nav>
        <Account holder={holder} />
      </header>
      <main id="page" key={key} ref={main} className={css.main} tabIndex={-1}>
        <RoleContext value={holder.role}>{children}</RoleContext>
      </main>
    </div>
  );
}

/** Names the page in the tab. */
function usePageTitle(path: string) {
  const words = useWords();
  useEffect(() => {
    const place = PLACES.find(({ to }) => to !== "/" && path.startsWith(to)) ?? PLACES[0];
    document.title = place === undefined ? words.t("app.name") : `${words.t(place.name)} · ${words.t("app.name")}`;
  }, [path, words]);
}

/** Puts the focus on the page when another is opened, or on what the page says it was opened for, so that a keyboard goes on there and a reader reads it. */
function usePageFocus(path: string) {
  const main = useRef<HTMLElement>(null);
  const before = useRef(path);
  useEffect(() => {
    const opened = main.current?.querySelector<HTMLElement>("[data-opened]") ?? main.current;
    if (before.current !== path) opened?.focus({ preventScroll: true });
    before.current = path;
  }, [path]);
  return main;
}

/** The sign of the console: a ring that is open towards whom it cares for. */
export function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" className={css.mark}>
      <rect width="32" height="32" rx="9" />
      <path d="M22.4 20.6a8 8 0 1 1 0-9.2" />
      <circle cx="23.2" cy="16" r="2.2" />
    </svg>
  );
}

/** Who is signed in, and what they may choose; on a narrow screen behind a button. */
function Account({ holder }: { holder: Holder }) {
  const words = useWords();
  const queries = useQueryClient();
  const [isOpen, setOpen] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isOpen) return;
    const close = (event: Event) => {
      const isKey = event instanceof KeyboardEvent;
      if (isKey ? event.key === "Escape" : !frame.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("keydown", close);
    document.addEventListener("pointerdown", close);
    return () => {
      document.removeEventListener("keydown", close);
      document.removeEventListener("pointerdown", close);
    };
  }, [isOpen]);
  return (
    <div ref={frame} className={css.account}>
      <Button
        look="bare"
        className={css.gear}
        aria-expanded={isOpen}
        aria-label={words.t("app.settings")}
        onClick={() => setOpen(!isOpen)}
      >
        <Settings2 aria-hidden size={18} />
      </Button>
      <div className={css.sheet} data-open={isOpen}>
        <p className={css.who}>
          <strong>{words.term("role", holder.role)}</strong>
          <span>{words.t("app.key", { id: holder.id })}</span>
        </p>
        <Display />
        <Button
          look="bare"
          className={css.leave}
          onClick={() => {
            setKey(null);
            queries.clear();
            forgetFeed();
            forgetDesks();
          }}
        >
          <LogOut aria-hidden size={16} />
          {words.t("app.leave")}
        </Button>
      </div>
    </div>
  );
}

const THEME_ICONS = { system: Monitor, light: Sun, dark: Moon };

/** Theme and language. */
function Display() {
  const { t } = useWords();
  const theme = useTheme();
  const [language, choose] = useLanguage();
  return (
    <div className={css.display}>
      <Choice<Theme>
        label={t("app.theme")}
        value={theme}
        onChoose={chooseTheme}
        options={THEMES.map((value) => {
          const Icon = THEME_ICONS[value];
          return { value, title: t(`app.theme.${value}`), text: <Icon aria-hidden size={15} /> };
        })}
      />
      <Choice<Language>
        label={t("app.language")}
        value={language}
        onChoose={choose}
        options={(Object.keys(LANGUAGES) as Language[]).map((value) => ({
          value,
          title: LANGUAGES[value],
          text: value === "en" ? "EN" : "中",
        }))}
      />
    </div>
  );
}
