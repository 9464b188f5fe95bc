// @vitest-environment node
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const CSS = readFileSync(new URL("../src/styles/tokens.css", import.meta.url), "utf8");

/** Text and the ground it stands on. */
const PAIRS = [
  ["ink", "ground"],
  ["ink", "surface"],
  ["ink", "sunken"],
  ["ink-soft", "ground"],
  ["ink-soft", "surface"],
  ["ink-soft", "sunken"],
  ["ink-soft", "quiet-ground"],
  ["ink-faint", "surface"],
  ["ink-faint", "ground"],
  ["accent", "surface"],
  ["accent", "ground"],
  ["accent", "accent-ground"],
  ["on-accent", "accent"],
  ["warm", "surface"],
  ["warm", "warm-ground"],
  ["amber", "amber-ground"],
  ["danger", "danger-ground"],
  ["danger", "surface"],
] as const;

function colours(name: string): [light: string, dark: string] {
  const found = new RegExp(`--${name}: light-dark\\((#\\w{6}), (#\\w{6})\\);`).exec(CSS);
  if (found?.[1] === undefined || found[2] === undefined) throw new Error(`tokens.css has no --${name}`);
  return [found[1], found[2]];
}

/** Relative luminance by WCAG 2.2. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((place) => {
    const part = Number.parseInt(colour.slice(place, place + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

it.each(PAIRS)("%s can be read on %s in both themes", (text, ground) => {
  for (const theme of [0, 1] as const) {
    expect(contrast(colours(text)[theme], colours(ground)[theme])).toBeGreaterThanOrEqual(4.5);
  }
});
