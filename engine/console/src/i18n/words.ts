import type { Amount, Reason } from "../api/queries";
import { en } from "./en";
import type { Arguments, Key, Table } from "./types";
import { zh } from "./zh";

export const LANGUAGES = { en: "English", zh: "中文" } as const;
export type Language = keyof typeof LANGUAGES;

const TABLES: Record<Language, Table> = { en, zh };

/** Formats of numbers and times in one language; kept, since making one is slow. */
export class Words {
  readonly language: Language;
  readonly #locale: string;
  readonly #plural: Intl.PluralRules;
  readonly #number: Intl.NumberFormat;
  readonly #fraction: Intl.NumberFormat;
  readonly #percent: Intl.NumberFormat;
  readonly #moment: Intl.DateTimeFormat;
  readonly #clock: Intl.DateTimeFormat;
  readonly #time: Intl.DateTimeFormat;
  readonly #day: Intl.DateTimeFormat;
  readonly #ago: Intl.RelativeTimeFormat;

  constructor(language: Language) {
    const locale = language === "zh" ? "zh-CN" : "en-GB";
    this.language = language;
    this.#locale = locale;
    this.#plural = new Intl.PluralRules(locale);
    this.#number = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
    this.#fraction = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
    this.#percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
    this.#moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
    this.#clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    this.#time = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
    this.#day = new Intl.DateTimeFormat(locale, { dateStyle: "full" });
    this.#ago = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "long" });
  }

  /** Returns a text with its values. */
  t = <K extends Key>(key: K, ...[values]: Arguments<K>): string => fill(TABLES[this.language][key], values);

  /** Returns the text of a number of things: `one | other` in the table, or one form for all. */
  count = (key: Key, n: number): string => {
    const forms = TABLES[this.language][key].split("|");
    const form = this.#plural.select(n) === "one" ? forms[0] : forms.at(-1);
    return fill(form?.trim() ?? "", { n: this.number(n) });
  };

  /** Returns the text of a name that the engine uses, e.g. `reason.quiet_hours`; what has no text yet, as plain words. */
  term = (kind: Kind, name: string): string => {
    const key = `${kind}.${name}`;
    return key in en ? TABLES[this.language][key as Key] : name.replaceAll("_", " ");
  };

  /** Returns an amount in a unit of the feature table. */
  amount = (value: number, unit: string): string => {
    if (unit === "share") return this.percent(value);
    if (unit === "0 or 1") return this.t(value > 0 ? "yes" : "no");
    if (unit === "-1, 0 or 1") return this.t(value > 0 ? "yes" : value < 0 ? "no" : "unknown");
    const seconds = SECONDS[unit];
    if (seconds !== undefined) return this.#span(value * seconds);
    const key = `unit.${unit}`;
    if (key in en) return fill(TABLES[this.language][key as Key], { n: this.value(value) });
    return `${this.value(value)} ${unit}`.trim();
  };

  /** Returns what moves a score: in the engine's own words where they are of this language. */
  reason = ({ feature, value, unit, words }: Reason): string => {
    const isSaid = !words.startsWith(feature.replaceAll("_", " "));
    return this.language === "en" && isSaid ? words : `${this.term("feature", feature)} ${this.amount(value, unit)}`;
  };

  /** Returns a length of time in the unit that fits. */
  #span = (seconds: number): string => {
    const { seconds: length, unit } = STEPS.find(({ below }) => Math.abs(seconds) < below) ?? LONGEST;
    const format = new Intl.NumberFormat(this.#locale, {
      style: "unit",
      unit,
      unitDisplay: "long",
      maximumFractionDigits: 1,
    });
    return format.format(seconds / length);
  };

  number = (value: number): string => this.#number.format(value);

  /** Returns a value with at most two places behind the point. */
  value = (value: number): string => this.#fraction.format(value);

  percent = (share: number): string => this.#percent.format(share);

  /** Returns an amount of money, which comes in hundredths; without currency as a number. */
  money = ({ minor, currency }: Amount): string => {
    if (currency === "") return this.value(minor / 100);
    return new Intl.NumberFormat(this.#locale, { style: "currency", currency }).format(minor / 100);
  };

  moment = (at: Date): string => this.#moment.format(at);

  clock = (at: Date): string => this.#clock.format(at);

  /** Returns the hour and minute of a time. */
  time = (at: Date): string => this.#time.format(at);

  /** Returns the day of a time, with its weekday. */
  day = (at: Date): string => this.#day.format(at);

  /** Returns how long ago a time is, or how far ahead. */
  ago = (at: Date, now: Date): string => {
    const seconds = (at.getTime() - now.getTime()) / 1000;
    const step = STEPS.find(({ below }) => Math.abs(seconds) < below) ?? LONGEST;
    return this.#ago.format(Math.round(seconds / step.seconds), step.unit);
  };
}

/** Lists of names that the engine uses. */
type Kind = "verdict" | "reason" | "head" | "feature" | "role" | "check" | "phase" | "speaker";

/** Units of the feature table that are lengths of time. */
const SECONDS: Record<string, number> = { minutes: 60, hours: 3_600, days: 86_400 };

type Step = { below: number; seconds: number; unit: "second" | "minute" | "hour" | "day" | "month" | "year" };

const LONGEST: Step = { below: Number.POSITIVE_INFINITY, seconds: 31_556_952, unit: "year" };

const STEPS: Step[] = [
  { below: 60, seconds: 1, unit: "second" },
  { below: 3_600, seconds: 60, unit: "minute" },
  { below: 86_400, seconds: 3_600, unit: "hour" },
  { below: 2_592_000, seconds: 86_400, unit: "day" },
  { below: 31_556_952, seconds: 2_629_746, unit: "month" },
];

function fill(text: string, values: Record<string, string | number> | undefined): string {
  return values === undefined
    ? text
    : text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
