/** Which page is shown: behind the `#` of the address, so that the server needs to know only one. */
import { useEffect, useState } from 'react';

export type Route =
  | { page: 'site' }
  | { page: 'meter'; id: string }
  | { page: 'tree' }
  | { page: 'billing' }
  | { page: 'anomalies' }
  | { page: 'quarantine' };

export function routeOf(hash: string): Route {
  const [page = '', id] = hash.replace(/^#\/?/, '').split('/');
  if (page === 'meters' && id !== undefined && id !== '')
    return { page: 'meter', id: decodeURIComponent(id) };
  if (page === 'tree' || page === 'billing' || page === 'anomalies' || page === 'quarantine') return { page };
  return { page: 'site' };
}

export const hashOf = (route: Route): string =>
  route.page === 'meter'
    ? `#/meters/${encodeURIComponent(route.id)}`
    : `#/${route.page === 'site' ? '' : route.page}`;

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
