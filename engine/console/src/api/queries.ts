import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { By } from "../app/router";
import { readOn, type Talk } from "../talk/thread";
import { answered, api } from "./client";
import type { components, paths } from "./schema";

type Schemas = components["schemas"];
export type Risky = Schemas["Risky"];
export type Covers = Schemas["Covers"];
export type Amount = Schemas["Amount"];
export type Reason = Schemas["Reason"];
export type Customer = Schemas["Customer"];
export type Decision = Schemas["Decided"];
/** The kinds of risk that a list can be of. */
export const RISKS = ["cart_abandonment", "churn", "return", "complaint"] as const satisfies readonly RiskName[];
export type RiskName = NonNullable<NonNullable<paths["/api/v1/at-risk"]["get"]["parameters"]["query"]>["head"]>;
export type Beat = Schemas["Beat"];
export type Found = Schemas["Brief"];
export type Letter = Schemas["Letter"];
export type Trigger = Schemas["InForce"];
export type Conversation = Schemas["Conversation"];
export type ThreadPage = Schemas["Thread"];
export type Turn = Schemas["ThreadTurn"];
/** What a person of the shop does with a thread. */
export type Hand = "take-over" | "hand-back";

/** How often what changes by itself is asked again. Units: ms. */
const OFTEN = 5_000;

/** How often customers at risk are asked for while the first look at all goes on. Units: ms. */
const SOON = 1_000;

/** How often conversations are asked again. Units: ms. */
const TALK = 2_000;

/** How often a thread is asked again while something that was said or done in it is not there yet. Units: ms. */
const SETTLING = 500;

/** Entries of one page of a list. */
const PAGE = 30;

/** The engine at a glance. */
export const useOverview = () =>
  useQuery({ queryKey: ["overview"], queryFn: () => answered(api.GET("/api/v1/overview")), refetchInterval: OFTEN });

/** Who is at risk, the highest first. */
export const useAtRisk = (limit: number, head?: RiskName) =>
  useQuery({
    queryKey: ["at-risk", head ?? "", limit],
    queryFn: () =>
      answered(api.GET("/api/v1/at-risk", { params: { query: { limit, ...(head === undefined ? {} : { head }) } } })),
    refetchInterval: ({ state }) => (state.data?.covers.ended === null ? SOON : OFTEN),
  });

/** Whom a value leads to. An e-mail address or a number never stands in the address bar. */
export const useFound = (by: By, value: string) =>
  useQuery({
    queryKey: ["found", by, value],
    queryFn: () => answered(api.POST("/api/v1/lookup", { body: { by, value } })),
    enabled: value !== "",
  });

/** What is known of a customer. */
export const useCustomer = (customer: string) =>
  useQuery({
    queryKey: ["customer", customer],
    queryFn: () => answered(api.GET("/api/v1/customers/{customer}", { params: { path: { customer } } })),
    refetchInterval: OFTEN,
  });

/** What was decided about a customer, the newest first. */
export const useDecisions = (customer: string) =>
  useInfiniteQuery({
    queryKey: ["decisions", customer],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) =>
      answered(
        api.GET("/api/v1/customers/{customer}/decisions", {
          params: { path: { customer }, query: { limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) } },
        }),
      ),
    getNextPageParam: (page) => page.next ?? null,
  });

/** What happened to a customer, the newest first. */
export const useTimeline = (customer: string) =>
  useInfiniteQuery({
    queryKey: ["timeline", customer],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) =>
      answered(
        api.GET("/api/v1/customers/{customer}/timeline", {
          params: { path: { customer }, query: { limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) } },
        }),
      ),
    getNextPageParam: (page) => page.next ?? null,
  });

/** Every trigger in force. */
export const useTriggers = () =>
  useQuery({ queryKey: ["triggers"], queryFn: () => answered(api.GET("/api/v1/triggers")) });

/** Records that could not be handled, the newest first. */
export const useLetters = () =>
  useInfiniteQuery({
    queryKey: ["letters"],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam }) =>
      answered(
        api.GET("/api/v1/dead-letters", {
          params: { query: { limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) } },
        }),
      ),
    getNextPageParam: (page) => page.next ?? null,
  });

/** Tries a record again. `id` names the request: sent twice, it is done once. */
export const useReplay = () => {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ letter: { partition, letter, tries }, id }: { letter: Letter; id: string }) =>
      answered(
        api.POST("/api/v1/dead-letters/replay", {
          body: { all: false, partition, letter, again: tries > 0 },
          params: { header: { "Idempotency-Key": id } },
        }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["letters"] }),
  });
};

/** Open threads. */
export const useConversations = () =>
  useQuery({
    queryKey: ["conversations"],
    queryFn: () => answered(api.GET("/api/v1/conversations")),
    refetchInterval: TALK,
  });

/** A customer's thread; each time only what is new of it is asked for. */
export const useThread = (customer: string, isSettling: boolean) => {
  const queries = useQueryClient();
  const queryKey = ["thread", customer];
  return useQuery({
    queryKey,
    queryFn: () =>
      readOn(queries.getQueryData<Talk>(queryKey), (from) =>
        answered(api.GET("/api/v1/conversations/{customer}", { params: { path: { customer }, query: { from } } })),
      ),
    refetchInterval: isSettling ? SETTLING : TALK,
  });
};

/** Takes a thread over, or hands it back. */
export const useHand = (customer: string) => {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ hand, agent }: { hand: Hand; agent: string }) => {
      const call = { params: { path: { customer } }, body: { agent } };
      return answered<unknown>(
        hand === "take-over"
          ? api.POST("/api/v1/conversations/{customer}/take-over", call)
          : api.POST("/api/v1/conversations/{customer}/hand-back", call),
      );
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ["conversations"] }),
  });
};
