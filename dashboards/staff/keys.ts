/** Keyboard: `/` to the filter, `j k` along rows that link, `Enter` by the link itself, `Esc` back, `g` and a letter to a page. */
import { useEffect } from 'react';
import { goTo, type Route } from './route.ts';

const pages: Record<string, Route> = {
  s: { page: 'site' },
  m: { page: 'site' },
  t: { page: 'tree' },
  b: { page: 'billing' },
  d: { page: 'cases' },
  r: { page: 'terms' },
  l: { page: 'delivery' },
  a: { page: 'anomalies' },
};

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.matches('input, select, textarea') || target.isContentEditable);

function moveAlongRows(step: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>('main tbody a[data-row]')];
  const at = links.indexOf(document.activeElement as HTMLElement);
  links[Math.min(Math.max(at + step, 0), links.length - 1)]?.focus();
}

export function useKeys(): void {
  useEffect(() => {
    let going = false;
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === 'Escape') {
        if (isTyping(event.target)) (event.target as HTMLElement).blur();
        else if (location.hash.startsWith('#/meters/')) goTo({ page: 'site' });
        return;
      }
      if (isTyping(event.target)) return;
      const page = going ? pages[event.key] : undefined;
      going = event.key === 'g';
      if (page !== undefined) goTo(page);
      else if (event.key === 'j') moveAlongRows(1);
      else if (event.key === 'k') moveAlongRows(-1);
      else if (event.key === '/') {
        document.querySelector<HTMLInputElement>('input[type=search]')?.focus();
        event.preventDefault();
      }
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}
