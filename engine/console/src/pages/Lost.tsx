import { Compass } from "lucide-react";
import { useWords } from "../i18n/context";
import { Empty } from "../parts/State";

/** An address that leads nowhere. */
export function Lost() {
  const { t } = useWords();
  return (
    <Empty title={t("state.lost")} icon={<Compass aria-hidden size={22} />}>
      {t("state.lost.more")}
    </Empty>
  );
}
