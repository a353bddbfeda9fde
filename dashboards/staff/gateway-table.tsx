/** Every gateway in a row: what is wrong with it, what waits in it, how its clock and its lines are. */
import type { Health } from '../../protocols/api.ts';
import { gatewayWords } from '../words/gateways.ts';
import { useInstantText, useSession } from './session.ts';

type Gateway = Health['gateways'][number];

export function GatewayTable({ gateways }: { gateways: readonly Gateway[] }) {
  const words = gatewayWords[useSession().language];
  if (gateways.length === 0) return null;
  return (
    <section>
      <h2>{words.gateways}</h2>
      <div className="table">
        <table>
          <thead>
            <tr>
              <th scope="col">{words.gateway}</th>
              <th scope="col">{words.state}</th>
              <th scope="col" className="number">
                {words.waiting}
              </th>
              <th scope="col" className="wide">
                {words.receipt}
              </th>
              <th scope="col" className="number wide">
                {words.clock}
              </th>
              <th scope="col" className="number wide">
                {words.failures}
              </th>
              <th scope="col" className="wide">
                {words.version}
              </th>
            </tr>
          </thead>
          <tbody>
            {gateways.map((one) => (
              <GatewayRow key={one.gateway} gateway={one} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function GatewayRow({ gateway }: { gateway: Gateway }) {
  const words = gatewayWords[useSession().language];
  const instantText = useInstantText();
  const { alarms, bufferedRows, oldestBufferedAt, lastReceiptAt, cloudOffset, version, configVersion } =
    gateway;
  const rates = gateway.buses.flatMap(({ failureRate }) => failureRate ?? []);
  return (
    <tr>
      <th scope="row">{gateway.gateway}</th>
      <td className={alarms.length === 0 ? '' : 'stale'}>
        {alarms.length === 0 ? words.well : alarms.map((alarm) => words.alarms[alarm]).join(', ')}
        {alarms.length > 0 && <span aria-hidden="true"> !</span>}
      </td>
      <td className="number">
        {bufferedRows}
        {oldestBufferedAt !== null && (
          <span className="muted"> {words.since(instantText(oldestBufferedAt))}</span>
        )}
      </td>
      <td className="wide">{lastReceiptAt === null ? '—' : instantText(lastReceiptAt)}</td>
      <td className="number wide">
        {cloudOffset === null ? '—' : `${cloudOffset.offsetSeconds.toFixed(1)} s`}
      </td>
      <td className="number wide">
        {rates.length === 0 ? '—' : `${(100 * Math.max(...rates)).toFixed(1)} %`}
      </td>
      <td className="wide">
        {version}{' '}
        <span className="muted">
          {configVersion === null ? words.ownFile : words.settings(configVersion)}
        </span>
      </td>
    </tr>
  );
}
