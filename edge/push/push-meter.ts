/** A meter that publishes to the gateway's own broker: how the configuration names it, and what its profile asks of that. */
import { z } from 'zod';
import type { MqttProfile, Profile, SparkplugProfile } from '../../protocols/profile.ts';
import { Id } from '../../protocols/reading.ts';
import type { Profiles } from '../profiles.ts';

const name = z.string().regex(/^[^/+#\0]{1,128}$/, 'not a name of a Sparkplug topic');

/**
 * JSON comes to a `topic`, exact and without wildcards; `device` is the meter's name in a collector's payload. Sparkplug B
 * comes from a `node`, `group/edge node`, and there from a `device`, or from the node itself.
 */
export const PushMeter = z
  .strictObject({
    meter: Id,
    profile: Id,
    topic: z
      .string()
      .regex(/^[^+#\0]{1,200}$/, 'not a topic name')
      .optional(),
    node: z
      .string()
      .regex(/^[^/+#\0]{1,128}\/[^/+#\0]{1,128}$/, 'not "group/edge node"')
      .optional(),
    device: name.optional(),
    /** How often it publishes; what was seen of it tells how fresh it is when this is not given. */
    intervalSeconds: z.int().min(1).max(2_678_400).optional(),
  })
  .superRefine(({ topic, node }, context) => {
    if ((topic === undefined) === (node === undefined))
      context.addIssue({ code: 'custom', message: 'a meter that pushes has either a topic or a node' });
  });
export type PushMeter = z.infer<typeof PushMeter>;

/** A meter with its profile; `device` is '' where the topic or the node alone says which one it is. */
export type PushMeterPlan =
  | { meter: string; topic: string; device: string; profile: MqttProfile }
  | { meter: string; node: string; device: string; profile: SparkplugProfile };

/** Refuses rows that would be one and the same meter to the broker. */
export function refuseRepeatedSources(rows: readonly PushMeter[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  for (const [index, { topic, node, device = '' }] of rows.entries()) {
    const source = `${topic ?? node} ${device}`.trimEnd();
    const key = `${topic === undefined} ${source}`;
    if (seen.has(key))
      context.addIssue({
        code: 'custom',
        path: [index, topic === undefined ? 'node' : 'topic'],
        message: `"${source}" is listed twice`,
      });
    seen.add(key);
  }
}

/** Why the rows cannot be, in view of their profiles. */
export function refuseProfiles(
  rows: readonly PushMeter[],
  profiles: Profiles,
  refuse: (path: PropertyKey[], message: string) => void,
): void {
  const shapes = new Map<string, string>();
  for (const [index, row] of rows.entries()) {
    const profile = profiles.get(row.profile);
    if (profile?.protocol === 'sparkplug') {
      if (row.node === undefined) refuse([index, 'topic'], 'a Sparkplug meter has a node, not a topic');
    } else if (profile?.protocol === 'mqtt') {
      const wrong = jsonRefusal(row, profile);
      if (wrong !== null) refuse([index, wrong.key], wrong.message);
      const shape = JSON.stringify([profile.recordsPath, profile.meterPath]);
      const topic = row.topic ?? '';
      if ((shapes.get(topic) ?? shape) !== shape)
        refuse([index, 'profile'], 'meters of one topic have profiles of one recordsPath and meterPath');
      shapes.set(topic, shape);
    } else refuse([index, 'profile'], `"${row.profile}" is no profile of a meter that pushes`);
  }
}

function jsonRefusal(
  { node, device }: PushMeter,
  { id, meterPath }: MqttProfile,
): { key: string; message: string } | null {
  if (node !== undefined) return { key: 'node', message: 'a meter that pushes JSON has a topic, not a node' };
  if (meterPath !== undefined && device === undefined)
    return { key: 'device', message: `"${id}" needs the name that the payload gives the meter` };
  if (meterPath === undefined && device !== undefined)
    return { key: 'device', message: `"${id}" finds no meter names in a payload` };
  return null;
}

/** @returns null when the profile is not of a meter that pushes */
export function planPushMeter(
  { meter, topic = '', node = '', device = '' }: PushMeter,
  profile: Profile | undefined,
): PushMeterPlan | null {
  if (profile?.protocol === 'mqtt') return { meter, topic, device, profile };
  return profile?.protocol === 'sparkplug' ? { meter, node, device, profile } : null;
}
