import { useCustomer } from "../../api/queries";
import { useWords } from "../../i18n/context";
import { nameOf } from "../../parts/name";
import { anonymousOf } from "../../talk/thread";

/** Returns what a customer is called in a list: the id as the shop gave it, or a short one of an anonymous visitor. */
export function useCalled(customer: string): string {
  const { t } = useWords();
  const anonymous = anonymousOf(customer);
  return anonymous === null ? customer : t("talk.anonymous", { id: anonymous });
}

/** Returns the name that the shop gave a customer, else what it is called in a list. */
export function useName(customer: string): string {
  const called = useCalled(customer);
  const { data } = useCustomer(customer);
  return (data === undefined ? null : nameOf(data.traits)) ?? called;
}
