import { HeartHandshake, ScanSearch } from "lucide-react";
import type { Covers } from "../api/queries";
import { useWords } from "../i18n/context";
import { Empty } from "./State";

/** Stands where customers at risk would: nobody is, or not all customers have been looked at yet. */
export function NobodyAtRisk({ covers }: { covers: Covers }) {
  const words = useWords();
  return covers.ended ? (
    <Empty title={words.t("customers.risk.empty")} icon={<HeartHandshake aria-hidden size={22} />}>
      {words.t("customers.risk.empty.more")}
    </Empty>
  ) : (
    <Empty title={words.t("customers.risk.looking")} icon={<ScanSearch aria-hidden size={22} />}>
      {words.t("customers.covers.more", { n: words.number(covers.customers) })}
    </Empty>
  );
}
