import { beforeEach, describe, expect, it } from "vitest";
import { getKey, holderOf, setKey, takeKeyFromAddress } from "../src/app/session";

const KEY = `care_analyst_0a1b2c3d_${"f".repeat(64)}`;

describe("a key", () => {
  beforeEach(() => setKey(null));

  it("says whose it is", () => {
    expect(holderOf(KEY)).toEqual({ role: "analyst", id: "0a1b2c3d" });
    for (const other of ["", "k", KEY.slice(0, -1), `${KEY} `, KEY.replace("analyst", "king")]) {
      expect(holderOf(other)).toBeNull();
    }
  });

  it("is kept in this tab and in nothing that lasts", () => {
    setKey(KEY);
    expect(getKey()).toBe(KEY);
    expect(Object.values(localStorage)).not.toContain(KEY);
  });

  it("is taken from the fragment of a sign-in link, which is gone from the address then", () => {
    history.replaceState(null, "", `/console/customers?by=email#key=${KEY}`);
    takeKeyFromAddress();
    expect(getKey()).toBe(KEY);
    expect(location.pathname + location.search + location.hash).toBe("/console/customers?by=email");
  });

  it("stays when the address names none", () => {
    setKey(KEY);
    history.replaceState(null, "", "/console/#page");
    takeKeyFromAddress();
    expect(getKey()).toBe(KEY);
    expect(location.hash).toBe("#page");
  });
});
