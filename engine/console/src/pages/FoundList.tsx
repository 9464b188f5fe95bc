import { Link } from "@tanstack/react-router";
import { ArrowRight } from "lucide-react";
import type { Found } from "../api/queries";
import css from "./Customers.module.css";

/** Whom a search led to. */
export function FoundList({ customers }: { customers: Found[] }) {
  return (
    <ul className={css.found}>
      {customers.map(({ id }) => (
        <li key={id}>
          <Link to="/customers/$id" params={{ id }} className={css.hit}>
            {id}
            <ArrowRight aria-hidden size={16} />
          </Link>
        </li>
      ))}
    </ul>
  );
}
