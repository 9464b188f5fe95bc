import { MessageCircleOff } from "lucide-react";
import { useDecisions } from "../../api/queries";
import { useWords } from "../../i18n/context";
import { More } from "../../parts/Control";
import { Empty, Failed, Loading } from "../../parts/State";
import { Panel } from "../../parts/Surface";
import { DecisionItem } from "./DecisionItem";

/** What was decided about a customer, and why. */
export function Decisions({ id }: { id: string }) {
  const words = useWords();
  const decisions = useDecisions(id);
  const all = decisions.data?.pages.flatMap((page) => page.decisions) ?? [];
  return (
    <Panel title={words.t("customer.decisions")} flush="flush">
      {decisions.isPending ? <Loading /> : null}
      {decisions.isError ? <Failed error={decisions.error} onRetry={() => void decisions.refetch()} /> : null}
      {decisions.isSuccess && all.length === 0 ? (
        <Empty title={words.t("customer.decisions.empty")} icon={<MessageCircleOff aria-hidden size={22} />}>
          {words.t("customer.decisions.empty.more")}
        </Empty>
      ) : null}
      <ol>
        {all.map((decision) => (
          <DecisionItem key={decision.id} decision={decision} />
        ))}
      </ol>
      <More list={decisions} />
    </Panel>
  );
}
