/** Which part of the page is shown: behind the `#` of the address, so that the browser's Back stays within the page. */
import { useEffect, useState } from 'preact/hooks';

export const proofSteps = ['face', 'photo', 'match', 'sign'] as const;
export type ProofStep = (typeof proofSteps)[number];
/** A Modbus meter by its place. */
export interface Place {
  bus: string;
  unit: number;
}

export type Route =
  | { page: 'site' | 'scan' | 'list' }
  | { page: 'meters'; filter: string }
  | { page: 'prove'; at: (Place & { step: ProofStep }) | null };

export function routeOf(hash: string): Route {
  const [page, ...rest] = hash
    .replace(/^#\/?/, '')
    .split('/')
    .map((part) => decoded(part));
  if (page === 'scan' || page === 'list') return { page };
  if (page === 'meters') return { page, filter: rest[0] ?? '' };
  if (page === 'prove') return { page, at: proofAt(rest) };
  return { page: 'site' };
}

/** What a person has put into the address may be anything. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function proofAt([bus = '', unit = '', step]: string[]): (Place & { step: ProofStep }) | null {
  if (bus === '' || !/^\d{1,3}$/.test(unit)) return null;
  return { bus, unit: Number(unit), step: proofSteps.find((one) => one === step) ?? 'face' };
}

export function hashOf(route: Route): string {
  const parts = (...all: (string | number)[]): string =>
    `#/${all.map((part) => encodeURIComponent(part)).join('/')}`;
  if (route.page === 'meters') return route.filter === '' ? '#/meters' : parts('meters', route.filter);
  if (route.page !== 'prove') return route.page === 'site' ? '#/' : parts(route.page);
  return route.at === null ? '#/prove' : parts('prove', route.at.bus, route.at.unit, route.at.step);
}

/** Another step: Back returns to the one before. */
export const goTo = (route: Route): void => {
  location.hash = hashOf(route);
};

/** The same place with another state, such as a filter while it is typed: Back does not go through each letter. */
export function replaceRoute(route: Route): void {
  history.replaceState(null, '', hashOf(route));
  dispatchEvent(new HashChangeEvent('hashchange'));
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const follow = () => setRoute(routeOf(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return route;
}
