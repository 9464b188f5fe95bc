import type { en } from "./en";

/** Every text of the console has a key of the English table. */
export type Key = keyof typeof en;

/** The names in braces in a text. */
type Names<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;

/** What a text wants to be told. */
export type Values<K extends Key> = { [Name in Names<(typeof en)[K]>]: string | number };

/** A text without values needs none; one with values needs each. */
export type Arguments<K extends Key> = Names<(typeof en)[K]> extends never ? [] : [Values<K>];

/** A text that wants to be told nothing. */
export type PlainKey = { [K in Key]: Names<(typeof en)[K]> extends never ? K : never }[Key];

/** A whole table in another language. */
export type Table = Record<Key, string>;
