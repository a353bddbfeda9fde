/** How meters are reached: which bus, link, unit id or topic. Whoever simulates them and whoever polls them must agree. */

export interface BusWiring {
  id: string;
  /** A converter's socket, or a serial line. */
  link: 'tcp' | 'rtu';
  meters: { meter: string; profile: string; unit: number }[];
}
export interface PushWiring {
  meter: string;
  profile: string;
  topic: string;
}
export interface Wiring {
  gateway: string;
  buses: BusWiring[];
  push: PushWiring[];
}
