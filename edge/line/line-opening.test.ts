/** A line that is opened where another was before: what that one asked for may still be answered. */
import { connect, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { buildRequest } from '../../protocols/modbus/pdu.ts';
import { buildRtuFrame } from '../../protocols/modbus/rtu-frame.ts';
import { Line, type LineOptions } from './line.ts';
import { against, type Behaviour, type Kind, registersAt } from './test-line.ts';

const first = { unit: 1, functionCode: 3, address: 0x101e, count: 2 } as const;
const second = { ...first, address: 0x401e } as const;
const right = hex(registersAt(second.unit, second.address, second.count));
const clean: Behaviour = ({ frame, send }) => send(frame());

const TIMEOUT_MS = 100;
/** A reply that its asker did not wait for. */
const REPLY_MS = 60;
const slow: Behaviour = ({ frame, send }) => void setTimeout(() => send(frame()), REPLY_MS);

function hex(data: Uint8Array): string {
  return Buffer.from(data).toString('hex');
}

async function ask(kind: Kind, port: number, options: Partial<LineOptions>): Promise<string> {
  const link = { kind, host: '127.0.0.1', port };
  const line = new Line({ link, timeoutMilliseconds: TIMEOUT_MS, ...options });
  const answer = await line.read(second).finally(() => line.close());
  return answer.ok ? hex(answer.data) : 'refused';
}

describe('a late reply to a line before is not taken', () => {
  // The transaction is the same by chance once in 65,536 times: here it always is.
  const transaction = { firstTransaction: 7 };

  test.each<Kind>(['tcp', 'rtu-over-tcp'])(
    'by the next of this process (%s), however impatient',
    async (kind) => {
      const use = async (line: Line, port: number): Promise<string> => {
        const given = line.read(first).catch(() => null);
        await sleep(REPLY_MS / 3);
        await line.close();
        await given;
        return ask(kind, port, { ...transaction, worstReplyMilliseconds: 0 });
      };
      const options = { ...transaction, timeoutMilliseconds: TIMEOUT_MS };
      expect(await against(kind, () => slow, use, options)).toBe(right);
    },
  );

  test('by one of another process, on a line where nothing tells them apart', async () => {
    const use = async (_line: Line, port: number): Promise<string> => {
      const other = connect(port, '127.0.0.1');
      other.write(buildRtuFrame({ unit: first.unit, pdu: buildRequest(first) }));
      await sleep(REPLY_MS / 3);
      other.destroy();
      return ask('rtu-over-tcp', port, {});
    };
    expect(await against('rtu-over-tcp', () => slow, use)).toBe(right);
  });

  test('by a new connection for which a converter kept it', async () => {
    let kept: Uint8Array | null = null;
    const keep: Behaviour = ({ frame, socket }) => {
      kept = frame();
      socket.destroy();
    };
    const use = async (line: Line, _port: number, server: Server): Promise<string> => {
      await line.read(first).catch(() => null);
      server.on('connection', (socket) => kept !== null && socket.write(kept));
      const answer = await line.read(second);
      return answer.ok ? hex(answer.data) : 'refused';
    };
    const choose = (n: number): Behaviour => (n === 0 ? keep : clean);
    expect(await against('rtu-over-tcp', choose, use)).toBe(right);
  });
});
