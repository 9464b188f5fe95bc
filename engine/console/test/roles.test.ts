// @vitest-environment node
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { type Area, opens } from "../src/app/roles";
import { ROLES } from "../src/app/session";

type Document = { paths: Record<string, Record<string, { description?: string }>> };

/** What the console asks for each area. */
const ASKED: [Area, method: string, path: string][] = [
  ["engine", "get", "/api/v1/overview"],
  ["customers", "get", "/api/v1/at-risk"],
  ["customers", "post", "/api/v1/lookup"],
  ["customers", "get", "/api/v1/customers/{customer}"],
  ["customers", "get", "/api/v1/customers/{customer}/timeline"],
  ["decisions", "get", "/api/v1/feed"],
  ["decisions", "get", "/api/v1/customers/{customer}/decisions"],
  ["triggers", "get", "/api/v1/triggers"],
  ["letters", "get", "/api/v1/dead-letters"],
  ["letters", "post", "/api/v1/dead-letters/replay"],
  ["conversations", "get", "/api/v1/conversations"],
  ["conversations", "get", "/api/v1/conversations/{customer}"],
  ["conversations", "post", "/api/v1/conversations/{customer}/messages"],
  ["conversations", "post", "/api/v1/conversations/{customer}/take-over"],
  ["conversations", "post", "/api/v1/conversations/{customer}/hand-back"],
];

it.each(ASKED)("%s is offered to whom the engine lets %s %s", (area, method, path) => {
  const { paths } = JSON.parse(readFileSync("../openapi.json", "utf8")) as Document;
  const [, listed = ""] = /^For keys of role (.*)\.$/.exec(paths[path]?.[method]?.description ?? "") ?? [];
  expect(ROLES.filter((role) => opens(role, area))).toEqual(listed.split(", "));
});
