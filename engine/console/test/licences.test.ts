import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

/** Licences that an Apache-2.0 work can be shipped with. A new one is added here by name, after reading it. */
const LEGAL = ["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "OFL-1.1", "Unlicense"];

type Lock = { packages: Record<string, { license?: string; dev?: boolean }> };

it("ships nothing under a licence that nobody has read", () => {
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as Lock;
  const shipped = Object.entries(lock.packages).filter(([path, { dev }]) => path !== "" && dev !== true);
  expect(shipped.length).toBeGreaterThan(5);
  const others = shipped.filter(([, { license }]) => license === undefined || !LEGAL.includes(license));
  expect(others).toEqual([]);
});
