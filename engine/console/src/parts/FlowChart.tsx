import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from "react";
import { useWords } from "../i18n/context";
import { area, curveMonotoneX, line, max, scaleLinear } from "./chart";
import css from "./FlowChart.module.css";

/** What flowed in one step. */
export type Step = { at: Date; events: number; decisions: number; sent: number };

const HEIGHT = 220;
const MARGIN = { top: 6, right: 8, bottom: 24, left: 40 };
/** Height of the band below the curve where decisions stand. */
const BAND = 26;

/** Events per second as a curve, decisions and sends as marks below it. Arrow keys and the pointer read single steps. */
export function FlowChart({ steps, label }: { steps: Step[]; label: string }) {
  const words = useWords();
  const [frame, width] = useWidth();
  const [picked, pick] = useState<number | null>(null);
  const floor = HEIGHT - MARGIN.bottom - BAND;
  const top = Math.max(4, max(steps, (step) => step.events) ?? 0) * 1.08;
  const x = scaleLinear(
    [0, Math.max(1, steps.length - 1)],
    [MARGIN.left, Math.max(MARGIN.left + 1, width - MARGIN.right)],
  );
  const y = scaleLinear([0, top], [floor, MARGIN.top]);
  const curve = { x: (_: Step, place: number) => x(place), y: (step: Step) => y(step.events) };
  const fill = area<Step>().x(curve.x).y0(floor).y1(curve.y).curve(curveMonotoneX)(steps);
  const stroke = line<Step>().x(curve.x).y(curve.y).curve(curveMonotoneX)(steps);
  const shown = picked === null ? undefined : steps[picked];

  const read = (event: PointerEvent) => {
    const box = event.currentTarget.getBoundingClientRect();
    pick(clamp(Math.round(x.invert(event.clientX - box.left)), steps.length));
  };
  const move = (event: KeyboardEvent) => {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") pick(null);
    if (way === undefined) return;
    event.preventDefault();
    pick(clamp((picked ?? steps.length) + way, steps.length));
  };

  return (
    <figure ref={frame} className={css.figure}>
      <svg
        className={css.chart}
        width={width}
        height={HEIGHT}
        role="img"
        aria-label={label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: without focus there are no arrow keys
        tabIndex={0}
        onKeyDown={move}
        onPointerMove={read}
        onPointerLeave={() => pick(null)}
        onBlur={() => pick(null)}
      >
        {y.ticks(3).map((tick) => (
          <g key={tick}>
            <line className={css.grid} x1={MARGIN.left} x2={width - MARGIN.right} y1={y(tick)} y2={y(tick)} />
            <text className={css.tick} x={MARGIN.left - 8} y={y(tick)} dy="0.32em" textAnchor="end">
              {words.number(tick)}
            </text>
          </g>
        ))}
        <path className={css.fill} d={fill ?? ""} />
        <path className={css.stroke} d={stroke ?? ""} />
        {steps.map((step, place) =>
          step.decisions === 0 ? null : (
            <Mark key={step.at.getTime()} step={step} x={x(place)} y={floor + BAND / 2 + 3} />
          ),
        )}
        {edges(steps).map(({ place, anchor }) => (
          <text key={anchor} className={css.tick} x={x(place)} y={HEIGHT - 6} textAnchor={anchor}>
            {words.clock((steps[place] as Step).at)}
          </text>
        ))}
        {shown === undefined ? null : (
          <g>
            <line className={css.cursor} x1={x(picked ?? 0)} x2={x(picked ?? 0)} y1={MARGIN.top} y2={floor + BAND} />
            <circle className={css.point} cx={x(picked ?? 0)} cy={y(shown.events)} r="4" />
          </g>
        )}
      </svg>
      <figcaption className={css.caption} aria-live={picked === null ? "off" : "polite"}>
        {shown === undefined ? (
          <span className={css.key}>
            <span className={css.keyLine} aria-hidden /> {words.t("flow.events")}
            <span className={css.keySent} aria-hidden /> {words.t("flow.sent")}
            <span className={css.keyHeld} aria-hidden /> {words.t("flow.decided")}
          </span>
        ) : (
          words.t("flow.at", {
            at: words.clock(shown.at),
            events: words.value(shown.events),
            decisions: words.number(shown.decisions),
            sent: words.number(shown.sent),
          })
        )}
      </figcaption>
    </figure>
  );
}

/** Decisions of one step: a full mark when something was sent, else a ring; the more, the larger. */
function Mark({ step, x, y }: { step: Step; x: number; y: number }) {
  const radius = Math.min(7, 2.2 + Math.sqrt(step.decisions));
  return <circle className={step.sent > 0 ? css.sent : css.held} cx={x} cy={y} r={radius} />;
}

function edges(steps: Step[]): { place: number; anchor: "start" | "end" }[] {
  if (steps.length < 2) return [];
  return [
    { place: 0, anchor: "start" },
    { place: steps.length - 1, anchor: "end" },
  ];
}

function clamp(place: number, length: number): number | null {
  return length === 0 ? null : Math.min(Math.max(place, 0), length - 1);
}

/** Returns a frame to be measured, and its width now. */
function useWidth() {
  const frame = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(600);
  useEffect(() => {
    if (frame.current === null) return;
    const watch = new ResizeObserver(([entry]) => setWidth(entry?.contentRect.width ?? 600));
    watch.observe(frame.current);
    return () => watch.disconnect();
  }, []);
  return [frame, width] as const;
}
