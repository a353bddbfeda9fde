/**
 * A meter model as data (`profiles/*.yaml`): which registers it has, where, and how to decode them.
 * Addresses are zero-based PDU addresses, what goes on the wire.
 */
import { z } from 'zod';
import { BcdFormat } from './bcd.ts';
import { Cjt188Quantity, Cjt188State } from './cjt188/fields.ts';
import { Decimal } from './decimal.ts';
import { Dlt645History } from './dlt645/frozen-history.ts';
import { isScaledByProfile, MbusRegister } from './mbus/register.ts';
import { ModbusHistory } from './modbus/frozen-history.ts';
import { Obis } from './obis.ts';
import { Id } from './reading.ts';
import { TimeZone } from './time-zone.ts';
import { Unit, Utility } from './units.ts';

/** `u8high` and `u8low` are the two bytes of one register, each a value of its own. */
export const RegisterType = z.enum([
  'u16',
  'i16',
  'u32',
  'i32',
  'u64',
  'i64',
  'f32',
  'f64',
  'bcd32',
  'u8high',
  'u8low',
]);
export type RegisterType = z.infer<typeof RegisterType>;
/** ABCD high word first; CDAB low word first; BADC bytes swapped in each word; DCBA full reverse. */
export const WordOrder = z.enum(['ABCD', 'CDAB', 'BADC', 'DCBA']);
export type WordOrder = z.infer<typeof WordOrder>;

export const ProfileRegister = z.strictObject({
  obis: Obis,
  name: z.string().min(1),
  address: z.int().min(0).max(65535),
  type: RegisterType,
  order: WordOrder.default('ABCD'),
  /** Engineering value = raw x scale, in `unit`. */
  scale: Decimal.default('1'),
  unit: Unit,
  /** The cumulative register that is billed; read on every period boundary. */
  billing: z.boolean().default(false),
  /** Not in every firmware: a scan does not hold it against a meter that it lacks it. */
  optional: z.literal(true).optional(),
});
export type ProfileRegister = z.infer<typeof ProfileRegister>;

/** What a model measures. Electricity and water are billed. */
export const Metered = z.enum([...Utility.options, 'heat', 'gas']);
export type Metered = z.infer<typeof Metered>;

const head = {
  id: Id,
  make: z.string().min(1),
  model: z.string().min(1),
  utility: Metered,
  /** Where the facts come from: document, public source file. */
  source: z.string().min(1),
  /** What has to be compared with the meter before it is billed by: the source alone does not settle it. */
  verify: z.string().min(1).optional(),
};

/** What a scan holds a meter against before it takes it for this model, besides that its registers answer. */
export const Fingerprint = z.strictObject({
  /** What a meter in service shows, in the register's unit; in place of the usual ranges of voltage and frequency. */
  plausible: z.array(z.strictObject({ obis: Obis, from: Decimal, to: Decimal })).default([]),
  /** Addresses that this model refuses, though models of a like layout answer there. */
  refused: z.array(z.int().min(0).max(65535)).default([]),
  /** Profiles that find the same registers at the same places: no scan tells them apart. */
  alike: z.array(Id).default([]),
});
export type Fingerprint = z.infer<typeof Fingerprint>;

/**
 * Where a meter keeps its serial number. `number` is unsigned, high word first; `bcd` and `text` (ASCII) are read digit by
 * digit.
 */
export const SerialRegister = z.strictObject({
  /** When another one than the registers are read with. */
  functionCode: z.union([z.literal(3), z.literal(4)]).optional(),
  address: z.int().min(0).max(65535),
  words: z.int().min(1).max(16),
  type: z.enum(['number', 'bcd', 'text']),
  /**
   * A: independent sources agree, or a mature project uses it in the field; B: one that cites the maker's document; C: any
   * other, which is compared with a configured serial number only.
   */
  confidence: z.enum(['A', 'B', 'C']),
  source: z.string().min(1),
});
export type SerialRegister = z.infer<typeof SerialRegister>;

export const ModbusProfile = z.strictObject({
  ...head,
  protocol: z.literal('modbus'),
  functionCode: z.union([z.literal(3), z.literal(4)]),
  /** The most registers this model answers in one request. */
  maxRegisters: z.int().min(1).max(125).default(125),
  /** Pause the model needs between two requests, and when the unit id changes. */
  pauseMilliseconds: z.int().min(0).max(1000).default(0),
  /** Read when a session with the meter begins, to tell whether it is still the same one. */
  serial: SerialRegister.optional(),
  fingerprint: Fingerprint.prefault({}),
  /** What the meter itself keeps of its registers: read after an outage. */
  history: ModbusHistory.optional(),
  registers: z.array(ProfileRegister).min(1),
});
export type ModbusProfile = z.infer<typeof ModbusProfile>;

/** What every register has, whatever the protocol. */
const label = { obis: Obis, name: z.string().min(1), unit: Unit, billing: z.boolean().default(false) };

/** A meter of DL/T 645: one request reads the register of one data identifier. */
export const Dlt645Profile = z
  .strictObject({
    ...head,
    protocol: z.literal('dlt645'),
    version: z.union([z.literal(2007), z.literal(1997)]),
    /** What the meter itself keeps of its registers: read after an outage. */
    history: Dlt645History.optional(),
    registers: z
      .array(
        z.strictObject({
          ...label,
          /** DI3 to DI0 in hex, of 1997 DI1 and DI0. */
          di: z
            .string()
            .regex(/^(?:[0-9A-F]{4}){1,2}$/, 'not a data identifier such as "00010000" or "9010"'),
          ...BcdFormat.shape,
        }),
      )
      .min(1),
  })
  .superRefine(({ version, registers }, context) => {
    const length = version === 2007 ? 8 : 4;
    for (const [index, { di }] of registers.entries())
      if (di.length !== length)
        context.addIssue({
          code: 'custom',
          path: ['registers', index, 'di'],
          message: `not ${length} hex digits`,
        });
  });
export type Dlt645Profile = z.infer<typeof Dlt645Profile>;

/** A meter of CJ/T 188: one request reads all that it has, each register at its place. */
export const Cjt188Profile = z.strictObject({
  ...head,
  protocol: z.literal('cjt188'),
  /** Two hex digits: 10 cold water, 20 heat, 30 gas. */
  meterType: z.string().regex(/^[0-9A-F]{2}$/, 'not two hex digits'),
  /** DI1 and DI0 in hex. */
  di: z
    .string()
    .regex(/^[0-9A-F]{4}$/, 'not a data identifier such as "901F"')
    .default('901F'),
  /** Whether DI0 or DI1 goes first. */
  diOrder: z.enum(['low_first', 'high_first']).default('low_first'),
  /** Where the seven bytes of the meter's time stand. */
  clockAt: z.int().min(0).max(96).optional(),
  registers: z
    .array(
      z.union([
        z.strictObject({ ...label, ...Cjt188Quantity.shape }),
        z.strictObject({ ...label, ...Cjt188State.shape }),
      ]),
    )
    .min(1),
});
export type Cjt188Profile = z.infer<typeof Cjt188Profile>;

/** A meter of DLMS/COSEM: registers are objects whose logical name is the OBIS code. */
export const DlmsProfile = z.strictObject({
  ...head,
  protocol: z.literal('dlms'),
  /** As whom the meter is asked: 16 is the public client. */
  client: z.int().min(1).max(127).default(16),
  /** On HDLC; over TCP the unit is the logical device. */
  logicalDevice: z.int().min(1).max(16_383).default(1),
  /**
   * Of the meter's address on HDLC; by the unit if not given, 2 below 128 and 4 from there. In an address of one byte the
   * unit is the logical device.
   */
  addressBytes: z.union([z.literal(1), z.literal(2), z.literal(4)]).optional(),
  registers: z
    .array(
      z.strictObject({
        ...label,
        /** Interface class: 3 register, 4 extended register, 1 data, whose value is a count of the unit. */
        class: z.union([z.literal(1), z.literal(3), z.literal(4)]).default(3),
      }),
    )
    .min(1),
});
export type DlmsProfile = z.infer<typeof DlmsProfile>;

/** A meter on M-Bus, whose records say by themselves what they are. */
export const MbusProfile = z
  .strictObject({
    ...head,
    protocol: z.literal('mbus'),
    /** Three letters in the header of its answers: a scan takes no other maker's meter for this model. */
    maker: z
      .string()
      .regex(/^[A-Z]{3}$/, 'not three letters such as "ABB"')
      .optional(),
    /** Media in the header, as EN 13757-3 numbers them: 2 electricity, 4 heat, 7 water. */
    media: z.array(z.int().min(0).max(255)).min(1),
    registers: z.array(z.strictObject({ ...label, ...MbusRegister.shape })).min(1),
  })
  .superRefine(({ registers }, context) => {
    for (const [index, { match, scale }] of registers.entries())
      if (scale !== '1' && !isScaledByProfile(match))
        context.addIssue({
          code: 'custom',
          path: ['registers', index, 'scale'],
          message: `a record of ${match.quantity} says its own scale`,
        });
  });
export type MbusProfile = z.infer<typeof MbusProfile>;

/**
 * A meter that pushes JSON over MQTT. Paths are dot-separated keys; one that begins with a slash starts at the payload,
 * any other one at the record.
 */
export const MqttProfile = z
  .strictObject({
    ...head,
    protocol: z.literal('mqtt'),
    /** The list of records in the payload, '' when the payload is the list; not given when it is one record. */
    recordsPath: z.string().optional(),
    /** Where a collector names the meter that a record is of; the gateway's configuration knows the names. */
    meterPath: z.string().min(1).optional(),
    timestampPath: z.string().min(1),
    /** How a stamp is written; `local` is without an offset, in `timeZone`. */
    timestampFormat: z.enum(['rfc3339', 'unix_seconds', 'unix_milliseconds', 'local']).default('rfc3339'),
    /** IANA name, `Asia/Shanghai`. */
    timeZone: TimeZone.optional(),
    registers: z
      .array(z.strictObject({ ...label, path: z.string().min(1), scale: Decimal.default('1') }))
      .min(1),
  })
  .superRefine(({ timestampFormat, timeZone }, context) => {
    if ((timestampFormat === 'local') !== (timeZone !== undefined))
      context.addIssue({
        code: 'custom',
        path: ['timeZone'],
        message: 'local times have a time zone, others none',
      });
  });
export type MqttProfile = z.infer<typeof MqttProfile>;

/** A device of Sparkplug B (Eclipse Sparkplug 3.0), whose registers are metrics by name. */
export const SparkplugProfile = z.strictObject({
  ...head,
  protocol: z.literal('sparkplug'),
  registers: z
    .array(z.strictObject({ ...label, metric: z.string().min(1), scale: Decimal.default('1') }))
    .min(1),
});
export type SparkplugProfile = z.infer<typeof SparkplugProfile>;

export const Profile = z.discriminatedUnion('protocol', [
  ModbusProfile,
  Dlt645Profile,
  Cjt188Profile,
  DlmsProfile,
  MbusProfile,
  MqttProfile,
  SparkplugProfile,
]);
export type Profile = z.infer<typeof Profile>;
