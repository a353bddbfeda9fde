import { once } from 'node:events';
import { SerialPort } from 'serialport';
import { expect, test } from 'vitest';
import { missingPeer } from '../../process/peers.ts';
import { openPtyPair } from './pty-pair.ts';

/** Every byte, among them those that a terminal would take for itself: XON, XOFF, interrupt, end of file, newline. */
const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

test('a pseudo terminal carries every byte both ways, also after its other end was closed and opened again', async (ctx) => {
  const pair = openPtyPair();
  if (pair === null) return missingPeer(ctx, 'this platform has no pseudo terminals');
  pair.onData((chunk) => pair.write(chunk));
  try {
    for (let opening = 0; opening < 2; opening += 1) {
      const port = new SerialPort({ path: pair.path, baudRate: 115_200, autoOpen: false });
      port.open();
      await once(port, 'open');
      const echo: Buffer[] = [];
      const whole = new Promise<void>((resolve) => {
        port.on('data', (chunk: Buffer) => {
          echo.push(chunk);
          if (Buffer.concat(echo).length >= everyByte.length) resolve();
        });
      });
      // Bytes that arrive are read when something runs; in a gateway something always does.
      const ticking = setInterval(() => undefined, 1);
      port.write(everyByte);
      await whole.finally(() => clearInterval(ticking));
      expect(Buffer.concat(echo)).toEqual(everyByte);
      port.close();
      await once(port, 'close');
    }
  } finally {
    pair.close();
  }
});
