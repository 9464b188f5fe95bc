import type { Turn } from "../src/api/queries";

/** Returns a turn that is like others but for what is said of it. */
export const turn = (number: number, more: Partial<Turn> = {}): Turn => ({
  id: `t-${number}`,
  number,
  at: number * 1_000,
  speaker: "customer",
  act: "said",
  made: "person",
  by: "",
  text: `words ${number}`,
  lang: "en",
  sources: [],
  rung: null,
  epoch: 0,
  attempt: 0,
  message: `m-${number}`,
  outreach: null,
  facts: {},
  ...more,
});
