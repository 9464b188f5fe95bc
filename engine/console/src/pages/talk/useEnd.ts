import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

/** So near to its end a list counts as read to the end. Units: px. */
const NEAR = 48;

/** Keeps a list at its end while the reader is there, and counts what came while the reader was further up. What the reader says leads to the end. */
export function useEnd(turns: number, sent: number) {
  const frame = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const [read, setRead] = useState(turns);
  const before = useRef(sent);
  const held = useRef<number | null>(null);
  const goToEnd = useCallback(() => {
    const list = frame.current;
    if (list !== null) list.scrollTop = list.scrollHeight;
    isAtEnd.current = true;
  }, []);
  /** Has the reader stay at the same words while earlier ones are put above them. */
  const hold = () => {
    held.current = frame.current === null ? null : frame.current.scrollHeight - frame.current.scrollTop;
  };
  useLayoutEffect(() => {
    if (frame.current !== null && held.current !== null)
      frame.current.scrollTop = frame.current.scrollHeight - held.current;
    held.current = null;
  });
  useLayoutEffect(() => {
    if (isAtEnd.current || sent > before.current) {
      goToEnd();
      setRead(turns);
    }
    before.current = sent;
  }, [turns, sent, goToEnd]);
  useEffect(() => {
    const list = frame.current;
    if (list === null) return;
    const look = () => {
      isAtEnd.current = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
      if (isAtEnd.current) setRead(turns);
    };
    list.addEventListener("scroll", look);
    return () => list.removeEventListener("scroll", look);
  }, [turns]);
  useEffect(() => {
    const list = frame.current;
    if (list === null) return;
    // What stands below it grows while something long is written.
    const watch = new ResizeObserver(() => {
      if (isAtEnd.current) goToEnd();
    });
    watch.observe(list);
    return () => watch.disconnect();
  }, [goToEnd]);
  return { frame, missed: Math.max(0, turns - read), goToEnd, hold };
}
