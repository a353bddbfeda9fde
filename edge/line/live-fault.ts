/** What stood in the way of a live answer, by how far the question got, with the next thing to try. */
import type { FaultLayer, LiveFault } from '../../protocols/edge-api.ts';
import type { Profile } from '../../protocols/profile.ts';
import { tellException, tellFault, tellRead, unreachable } from '../commissioning/doctor.ts';
import type { Link } from '../config.ts';
import type { MeterRead } from '../drivers/meter-driver.ts';
import { LineFault, type LineFaultCode } from './line.ts';

const layers: Partial<Record<LineFaultCode, FaultLayer>> = {
  unreachable: 'port',
  closed: 'port',
  timeout: 'reply',
  noise: 'frame',
  bad_frame: 'frame',
  bad_crc: 'frame',
  bad_checksum: 'frame',
};

export function lineFault(fault: LineFault, link: Link): LiveFault {
  const told = fault.code === 'unreachable' ? unreachable(fault, link) : tellFault(fault);
  return { layer: layers[fault.code] ?? 'foreign', code: fault.code, ...told };
}

/** @param protocol whose error it is: only Modbus has exceptions */
export const exceptionFault = (exception: number, protocol: Profile['protocol'] = 'modbus'): LiveFault => ({
  layer: 'refused',
  code: `${protocol === 'modbus' ? 'exception' : protocol}_${exception}`,
  ...tellException(exception, protocol),
});

/** Null when the read gave what it was for. */
export function readFault(read: MeterRead, link: Link, protocol: Profile['protocol']): LiveFault | null {
  if (read.fault !== null) return lineFault(read.fault, link);
  if (read.exception !== null) return exceptionFault(read.exception, protocol);
  const empty = read.values.find(({ value, register }) => value === null && register.billing);
  if (empty === undefined) return null;
  const { detail, next = '' } = tellRead(read, protocol);
  return { layer: 'value', code: empty.code ?? 'not_available', detail, next };
}

/** @throws what is no fault of a line */
export function asLineFault(error: unknown): LineFault {
  if (error instanceof LineFault) return error;
  throw error;
}
