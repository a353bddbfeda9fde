/** Child of the benchmark: a Modbus TCP meter in a process of its own. It tells its port over IPC, and ends with its parent. */
import { type AddressInfo, createServer } from 'node:net';
import { buildResponse, parseRequest } from '../protocols/modbus/pdu.ts';
import { buildTcpFrame, TcpDeframer } from '../protocols/modbus/tcp-frame.ts';

const registers = Uint8Array.from({ length: 250 }, (_, at) => at);

const server = createServer({ noDelay: true }, (socket) => {
  const deframer = new TcpDeframer();
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    for (const event of deframer.push(chunk)) {
      const parsed = event.ok ? parseRequest(event.pdu) : null;
      if (!event.ok || parsed?.ok !== true) {
        socket.destroy();
        return;
      }
      const { functionCode, count } = parsed.request;
      const pdu = buildResponse(functionCode, registers.subarray(0, count * 2));
      socket.write(buildTcpFrame({ ...event, pdu }));
    }
  });
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit());
