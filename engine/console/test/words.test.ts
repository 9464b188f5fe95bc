import { describe, expect, it } from "vitest";
import { en } from "../src/i18n/en";
import type { Key } from "../src/i18n/types";
import { Words } from "../src/i18n/words";
import { zh } from "../src/i18n/zh";

const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

describe("texts", () => {
  it("say the same values in every language", () => {
    const last = (table: Record<Key, string>, key: Key) => names(table[key].split("|").at(-1) ?? "");
    const differing = (Object.keys(en) as Key[]).filter((key) => `${last(zh, key)}` !== `${last(en, key)}`);
    expect(differing).toEqual([]);
  });

  it("tells one from many where the language does", () => {
    const [english, chinese] = [new Words("en"), new Words("zh")];
    expect(english.count("customer.items", 1)).toBe("1 item");
    expect(english.count("customer.items", 1200)).toBe("1,200 items");
    expect(chinese.count("customer.items", 1)).toBe("1 件商品");
  });

  it("shows a name that has no text yet as plain words", () => {
    const words = new Words("zh");
    expect(words.term("reason", "quiet_hours")).toBe("免打扰时段");
    expect(words.term("reason", "made_up_later")).toBe("made up later");
  });

  it("tells how long ago something was in the unit that fits", () => {
    const words = new Words("en");
    const now = new Date("2026-03-05T12:00:00Z");
    const told = (at: string) => words.ago(new Date(at), now);
    expect(told("2026-03-05T11:59:18Z")).toBe("42 seconds ago");
    expect(told("2026-03-04T12:00:00Z")).toBe("yesterday");
    expect(told("2026-03-05T15:00:00Z")).toBe("in 3 hours");
  });

  it("says amounts as people do", () => {
    const words = new Words("en");
    expect(words.amount(0.25, "share")).toBe("25%");
    expect(words.amount(1, "0 or 1")).toBe("yes");
    expect(words.amount(0, "-1, 0 or 1")).toBe("unknown");
    expect(words.amount(2.5, "hours")).toBe("2.5 hours");
    expect(words.amount(0.0001354, "days")).toBe("11.7 seconds");
    expect(words.amount(3, "parcels")).toBe("3 parcels");
  });
});
