/** The shared drawing of a curve, as a React element. */
import { useEffect, useRef } from 'react';
import type { Curve } from '../../protocols/api.ts';
import { drawCurve } from '../charts/curve-plot.ts';
import { instantText } from '../format.ts';
import { useSession } from './session.ts';

export function CurveChart({ curve, timeZone }: { curve: Curve; timeZone: string }) {
  const { words } = useSession();
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (element.current === null) return;
    const text = {
      measured: words.actual,
      estimated: words.estimated,
      missing: words.missing,
      at: (start: string) => instantText(start, timeZone),
    };
    return drawCurve(element.current, curve, text, timeZone);
  }, [words, curve, timeZone]);
  return <div className="curve" ref={element} role="img" aria-label={words.curve} />;
}
