import { scaleLinear as linear, type ScaleLinear } from "d3-scale";

export { max } from "d3-array";
export { area, curveMonotoneX, line } from "d3-shape";

/** Returns a scale between two ranges. */
export function scaleLinear(domain: [number, number], range: [number, number]): ScaleLinear<number, number> {
  return linear().domain(domain).range(range);
}
