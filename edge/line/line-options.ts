/** How a line is to be. */
import type { Link } from '../config.ts';
import type { Alarm } from './exchange.ts';

export interface LineOptions {
  link: Link;
  /** Deadline of one request, and of opening the line. */
  timeoutMilliseconds: number;
  /** How late a reply may come at worst: so long a unit is left alone after a doubt. Three timeouts if not given. */
  worstReplyMilliseconds?: number | undefined;
  /** Of Modbus TCP; by chance if not given, so that a restarted gateway does not take what its predecessor asked for. */
  firstTransaction?: number;
  /** Called when an echo, a duplicate or a second slave was heard; see `alarms`. */
  onAlarm?: (alarm: Alarm) => void;
  /** Called when its connection or port is gone, whoever ended it: what answers on the next may be another device. */
  onDisconnect?: () => void;
}

const THREE_TIMEOUTS = 3;

/** How late a reply may come at worst, in milliseconds. */
export function worstReplyMs({
  worstReplyMilliseconds,
  timeoutMilliseconds,
}: Pick<LineOptions, 'worstReplyMilliseconds' | 'timeoutMilliseconds'>): number {
  return worstReplyMilliseconds ?? THREE_TIMEOUTS * timeoutMilliseconds;
}

/**
 * How long a line hears out who may have asked before it, in milliseconds: what is late on Modbus RTU names no request, and
 * nobody knows what another process asked for. On Modbus TCP it does, by its transaction.
 */
export function openingRestMs(options: LineOptions): number {
  return options.link.kind === 'tcp' ? 0 : worstReplyMs(options);
}
