import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { buildRequest } from '../../protocols/modbus/pdu.ts';
import { buildTcpFrame } from '../../protocols/modbus/tcp-frame.ts';
import { chooseBehaviours, startHostileFleet } from './serve-hostile.ts';

test('behaviours are chosen by name, and an unknown name is told', () => {
  const chosen = chooseBehaviours('late,all-ff');
  expect('unknown' in chosen ? [] : chosen.map(({ id }) => id)).toEqual(['late', 'all-ff']);
  expect(chooseBehaviours('late,nope')).toEqual({ unknown: ['nope'] });
});

test('a hostile meter misbehaves for anybody who asks', async () => {
  const chosen = chooseBehaviours('wrong-unit');
  if ('unknown' in chosen) throw new Error('no such behaviour');
  const fleet = await startHostileFleet(chosen, { host: '127.0.0.1', port: 0 });
  try {
    const [row] = fleet.meters;
    expect(row).toMatchObject({ id: 'wrong-unit', transport: 'tcp', expect: ['wrong_unit'] });
    const socket = connect(Number(row?.address.split(':')[1]), '127.0.0.1');
    const pdu = buildRequest({ functionCode: 3, address: 10, count: 2 });
    socket.write(buildTcpFrame({ transaction: 1, unit: 1, pdu }));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString('hex')).toBe('00010000000707030400bc614e');
    socket.destroy();
  } finally {
    await fleet.close();
  }
});
