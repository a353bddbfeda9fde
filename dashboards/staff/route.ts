/** Which page is shown: behind the `#` of the address, so that the server needs to know only one. */
import { useEffect, useState } from 'react';

export type Route =
  | { page: 'site' }
  | { page: 'meter'; id: string }
  | { page: 'tree' }
  | { page: 'billing'; period?: string }
  | { page: 'cases' }
  | { page: 'terms' }
  | { page: 'delivery' }
  | { page: 'anomalies' }
  | { page: 'quarantine' };

const plain: Route[] = [
  { page: 'tree' },
  { page: 'cases' },
  { page: 'terms' },
  { page: 'delivery' },
  { page: 'anomalies' },
  { page: 'quarantine' },
];

export function routeOf(hash: string): Route {
  const [page = '', id] = hash.replace(/^#\/?/, '').split('/');
  if (page === 'meters' && id !== undefined && id !== '')
    return { page: 'meter', id: decodeURIComponent(id) };
  if (page === 'billing')
    return id !== undefined && /^\d{4}-\d\d$/.test(id) ? { page, period: id } : { page };
  return plain.find((one) => one.page === page) ?? { page: 'site' };
}

export function hashOf(route: Route): string {
  if (route.page === 'meter') return `#/meters/${encodeURIComponent(route.id)}`;
  if (route.page === 'billing' && route.period !== undefined) return `#/billing/${route.period}`;
  return `#/${route.page === 'site' ? '' : route.page}`;
}

export const goTo = (route: Route): void => {
  location.hash = hashOf(route);
};

export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const follow = () => setRoute(routeOf(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return route;
}
