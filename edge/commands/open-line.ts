/** The line that a command asks on. */
import { Line } from '../line/line.ts';
import { type LineOptions, openingRestMs } from '../line/line-options.ts';

/** Tells who waits at a terminal why nothing is asked at once. */
export function openLine(options: LineOptions): Line {
  const restMs = openingRestMs(options);
  if (restMs > 0 && process.stderr.isTTY)
    console.error(`listening ${restMs / 1000} s first: what was asked before may still be answered`);
  return new Line(options);
}
