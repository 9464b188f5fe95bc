import { useEffect, useState } from "react";
import { useOverview } from "../api/queries";

/** How often what is told as "a minute ago" is told anew. Units: ms. */
const OFTEN = 10_000;

/** Returns the engine's time, which is the log's: history that is played has a time of its own. Until it is known, the browser's. */
export function useNow(): Date {
  const { data, dataUpdatedAt } = useOverview();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), OFTEN);
    return () => clearInterval(timer);
  }, []);
  return data === undefined ? new Date(now) : new Date(Date.parse(data.at) + Math.max(0, now - dataUpdatedAt));
}
