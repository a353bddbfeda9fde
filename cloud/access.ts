/** Who may do what: principals and scopes. What a route asks for is said at the route. */
import type { Scope } from '../protocols/api.ts';

export type Principal =
  | { kind: 'anonymous' }
  /** The bearer of a statement's link: may read what that link opens, and nothing else. */
  | { kind: 'tenant' }
  | { kind: 'operator' }
  | { kind: 'key'; id: string; scopes: readonly Scope[] }
  /** A gateway that cannot use MQTT: may send its own batches. */
  | { kind: 'gateway'; id: string; gateway: string };

/**
 * What a route asks for. `open`: nothing; `tenant`: a valid statement link in the path, checked by the route;
 * `signed_in`: any operator or key;
 * `gateway`: the gateway in the path, checked by the route; a scope: an operator, or a key that has it (`admin` has them all).
 */
export type Requirement = 'open' | 'tenant' | 'signed_in' | 'gateway' | Scope;

export function allows(principal: Principal, required: Requirement): boolean {
  if (required === 'open' || required === 'tenant' || principal.kind === 'operator') return true;
  if (principal.kind === 'gateway') return required === 'gateway';
  if (principal.kind !== 'key') return false;
  if (required === 'signed_in') return true;
  return (
    (required !== 'gateway' && principal.scopes.includes(required)) || principal.scopes.includes('admin')
  );
}

/** How a principal is named in the audit trail. */
export const actorOf = (principal: Principal): string =>
  'id' in principal
    ? `${principal.kind === 'key' ? 'key' : principal.gateway}:${principal.id}`
    : principal.kind;
