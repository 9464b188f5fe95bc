import type { Customer } from "../../api/queries";
import { useWords } from "../../i18n/context";
import { Panel } from "../../parts/Surface";
import { useNow } from "../../parts/useNow";
import css from "../Customer.module.css";

/** Triggers that wait for something of this customer; nothing where none does. */
export function Waiting({ instances }: { instances: Customer["instances"] }) {
  const words = useWords();
  const now = useNow();
  if (instances.length === 0) return null;
  return (
    <Panel title={words.t("customer.waiting")}>
      <ul className={css.waiting}>
        {instances.map((instance) => (
          <li key={`${instance.trigger} ${instance.key}`}>
            <strong>{instance.trigger}</strong>
            <span className={css.small}>
              {instance.key === "" ? null : `${words.t("decision.about", { key: instance.key })} · `}
              {words.ago(new Date(instance.due), now)}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
