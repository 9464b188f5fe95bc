import { useNavigate, useSearch } from "@tanstack/react-router";
import { Search, SearchX } from "lucide-react";
import { type FormEvent, useState } from "react";
import { RISKS, type RiskName, useAtRisk, useFound } from "../api/queries";
import { BY, type By } from "../app/router";
import { useWords } from "../i18n/context";
import { Button, Choice, Field } from "../parts/Control";
import { NobodyAtRisk } from "../parts/NobodyAtRisk";
import { RiskTable } from "../parts/RiskTable";
import { Empty, Failed, Loading } from "../parts/State";
import { PageHead, Panel } from "../parts/Surface";
import css from "./Customers.module.css";
import { FoundList } from "./FoundList";

/** Customers shown. */
const SHOWN = 50;

/** Whoever is at risk, and a way to anybody. */
export function Customers() {
  const words = useWords();
  const { by = "id", head } = useSearch({ from: "/customers" });
  const navigate = useNavigate({ from: "/customers" });
  const [typed, type] = useState("");
  const [asked, ask] = useState("");
  const found = useFound(by, asked);
  const search = (event: FormEvent) => {
    event.preventDefault();
    ask(typed.trim());
  };
  return (
    <>
      <PageHead title={words.t("customers.title")} lead={words.t("customers.lead")} />
      <div className={css.stack}>
        <Panel title={words.t("customers.find")}>
          <search>
            <form className={css.search} onSubmit={search}>
              <Choice<By>
                label={words.t("customers.by")}
                value={by}
                onChoose={(next) => {
                  ask("");
                  void navigate({ search: (now) => ({ ...now, by: next }), replace: true });
                }}
                options={BY.map((value) => ({ value, text: words.t(`customers.by.${value}`) }))}
              />
              <div className={css.field}>
                <Field
                  label={words.t(`customers.by.${by}`)}
                  hint={words.t("customers.find.hint")}
                  type={by === "email" ? "email" : by === "phone" ? "tel" : "text"}
                  autoComplete="off"
                  spellCheck={false}
                  value={typed}
                  onChange={(event) => type(event.target.value)}
                />
                <Button type="submit" look="main">
                  <Search aria-hidden size={15} />
                  {words.t("customers.go")}
                </Button>
              </div>
            </form>
          </search>
          <div aria-live="polite">
            {asked === "" ? null : found.isPending ? (
              <Loading lines={1} />
            ) : found.isError ? (
              <Failed error={found.error} onRetry={() => void found.refetch()} />
            ) : found.data.customers.length === 0 ? (
              <Empty title={words.t("customers.found.none")} icon={<SearchX aria-hidden size={22} />}>
                {words.t("customers.found.none.more")}
              </Empty>
            ) : (
              <FoundList customers={found.data.customers} />
            )}
          </div>
        </Panel>
        <AtRisk head={head} onHead={(next) => void navigate({ search: { by, ...next }, replace: true })} />
      </div>
    </>
  );
}

type Narrowed = { head?: RiskName };

function AtRisk({ head, onHead }: { head: RiskName | undefined; onHead: (next: Narrowed) => void }) {
  const words = useWords();
  const risks = useAtRisk(SHOWN, head);
  const options = [
    { value: "" as const, text: words.t("customers.head.all") },
    ...RISKS.map((value) => ({ value, text: words.term("head", value) })),
  ];
  return (
    <Panel
      flush="flush"
      title={words.t("customers.risk")}
      aside={
        <div className={css.heads}>
          <Choice<RiskName | "">
            label={words.t("customers.head")}
            value={head ?? ""}
            onChoose={(value) => onHead(value === "" ? {} : { head: value })}
            options={options}
          />
        </div>
      }
    >
      {risks.isPending ? (
        <Loading lines={8} />
      ) : risks.isError ? (
        <Failed error={risks.error} onRetry={() => void risks.refetch()} />
      ) : risks.data.customers.length === 0 ? (
        <NobodyAtRisk covers={risks.data.covers} />
      ) : (
        <>
          <RiskTable risks={risks.data.customers} />
          <p className={css.covers}>
            {words.t(risks.data.covers.ended ? "customers.covers" : "customers.covers.more", {
              n: words.number(risks.data.covers.customers),
            })}
          </p>
        </>
      )}
    </Panel>
  );
}
