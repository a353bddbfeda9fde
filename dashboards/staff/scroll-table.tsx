/** A table that may be wider or longer than its place: it can be reached and scrolled by keyboard. */
import type { ReactNode } from 'react';

interface ScrollTableProps {
  name: string;
  /** Of many rows: it scrolls within itself. */
  long?: boolean;
  children: ReactNode;
}

export function ScrollTable({ name, long = false, children }: ScrollTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls has to be reached by keyboard
    <section className={long ? 'table scroll' : 'table'} tabIndex={0} aria-label={name}>
      <table>{children}</table>
    </section>
  );
}
