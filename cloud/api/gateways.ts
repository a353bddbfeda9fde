/**
 * `/api/v1/gateways/{id}/config`: settings for a gateway, every version kept; the gateway tries them and says what became.
 * `/api/v1/gateways/{id}/key`: the key that it shows now is its own, whatever it showed before.
 */
import { z } from 'zod';
import { Id, InstantText } from '../../protocols/reading.ts';
import { ConfigState, GatewayConfig, GatewaySettings } from '../../protocols/uplink.ts';
import { actorOf } from '../access.ts';
import { Refused } from '../errors.ts';
import { shippedProfiles } from '../shipped-profiles.ts';
import { principalOf } from './authenticate.ts';
import type { Api, ApiContext } from './context.ts';
import { instantText } from './query.ts';

const SHOWN = 50;
const params = z.strictObject({ id: Id });
const Sent = GatewayConfig.extend({ at: InstantText, by: z.string() });
const Configs = z.strictObject({
  /** As the gateway told last: a version, or the settings of its own file; null: it has not told. */
  atWork: z.union([z.int(), z.literal('own_file')]).nullable(),
  state: ConfigState.nullable(),
  reason: z.string().nullable(),
  /** Newest first. */
  items: z.array(Sent),
});

/** Where a meter names a model that no gateway knows: it would undo the settings, after a trial. */
function unknownProfiles(
  { buses = [], pushMeters = [] }: GatewaySettings,
  known: ReadonlySet<string>,
): string[] {
  const rows = [
    ...buses.flatMap(({ id, meters }, b) =>
      meters.map((row, m) => ({ ...row, key: `buses.${b}.meters.${m}.profile`, bus: `bus ${id}, ` })),
    ),
    ...pushMeters.map((row, m) => ({ ...row, key: `pushMeters.${m}.profile`, bus: '' })),
  ];
  return rows
    .filter(({ profile }) => !known.has(profile))
    .map(({ key, bus, meter, profile }) => `${key} (${bus}meter ${meter}): there is no model "${profile}"`);
}

export function gatewayRoutes(api: Api, { store, clock, sendConfig }: ApiContext): void {
  const profiles = shippedProfiles();
  api.get(
    '/api/v1/gateways/:id/config',
    { config: { access: 'admin' }, schema: { params, response: { 200: Configs } } },
    async ({ params: { id } }) => {
      const status = (await store.gatewayStatuses()).find(({ gateway }) => gateway === id);
      return {
        atWork: status === undefined ? null : (status.configVersion ?? ('own_file' as const)),
        state: status?.configState ?? null,
        reason: status?.configReason ?? null,
        items: await store.gatewayConfigs({ gateway: id, limit: SHOWN }),
      };
    },
  );
  api.post(
    '/api/v1/gateways/:id/key',
    { config: { access: 'admin' }, schema: { params, response: { 200: z.strictObject({ gateway: Id }) } } },
    async ({ params: { id: gateway } }) => {
      if (!(await store.pinGatewayKey(gateway)))
        throw new Refused('unknown_gateway', `no gateway "${gateway}" has ever shown a key`);
      return { gateway };
    },
  );
  api.put(
    '/api/v1/gateways/:id/config',
    {
      config: { access: 'admin' },
      schema: { params, body: GatewaySettings, response: { 200: GatewayConfig } },
    },
    async (request) => {
      const { id: gateway } = request.params;
      // A topic of a gateway that nobody knows would be retained for ever.
      if (!(await store.gatewayStatuses()).some((status) => status.gateway === gateway))
        throw new Refused('unknown_gateway', `no gateway "${gateway}" has ever been connected`);
      const unknown = unknownProfiles(request.body, profiles);
      if (unknown.length > 0) throw new Refused('unknown_profile', unknown.join('; '));
      const config = await store.addGatewayConfig({
        gateway,
        settings: request.body,
        at: instantText(clock.nowMs()),
        by: actorOf(principalOf(request)),
      });
      sendConfig(config);
      return config;
    },
  );
}
