/** @jsxImportSource preact */
/** The way to the cloud: whether it stands, why it does not, the next thing to try, and what waits meanwhile. */
import type { EdgeStatus, UplinkFaultCode } from '../../protocols/edge-api.ts';
import { instantText } from '../format.ts';
import type { EdgeWords } from '../words/edge.ts';
import { useSession } from './session.ts';

const told: Record<UplinkFaultCode, { what: keyof EdgeWords; next: keyof EdgeWords }> = {
  name_not_known: { what: 'uplinkName', next: 'uplinkNameNext' },
  nothing_listens: { what: 'uplinkPort', next: 'uplinkPortNext' },
  no_route: { what: 'uplinkRoute', next: 'uplinkRouteNext' },
  no_connection: { what: 'uplinkSilent', next: 'uplinkSilentNext' },
  tls_untrusted: { what: 'uplinkUntrusted', next: 'uplinkUntrustedNext' },
  tls_refused: { what: 'uplinkTls', next: 'uplinkTlsNext' },
  certificate_files: { what: 'uplinkFiles', next: 'uplinkFilesNext' },
  credential_refused: { what: 'uplinkCredential', next: 'uplinkCredentialNext' },
  broker_refused: { what: 'uplinkRefused', next: 'uplinkRefusedNext' },
  closed_by_broker: { what: 'uplinkClosed', next: 'uplinkClosedNext' },
  no_receipts: { what: 'uplinkNoReceipts', next: 'uplinkNoReceiptsNext' },
  other: { what: 'uplinkOther', next: 'uplinkOtherNext' },
};

const KILOBYTE = 1024;

export function Uplink({ status }: { status: EdgeStatus }) {
  const { words } = useSession();
  const { connected, uplinkFault, bufferedRows, bufferedBytes, lastReceiptAt, oldestBufferedAt } = status;
  const kilobytes = Math.ceil(bufferedBytes / KILOBYTE);
  const isGood = connected && uplinkFault === null;
  return (
    <section class="card">
      <h2>
        {words.uplink}{' '}
        <span class={`mark ${isGood ? 'good' : 'bad'}`}>
          {isGood ? words.connected : connected ? words.connectedInVain : words.disconnected}
        </span>
      </h2>
      {uplinkFault === null ? (
        !connected && <p class="notice warn">{words.uplinkTrying}</p>
      ) : (
        <div class="notice bad">
          <strong>{String(words[told[uplinkFault.code].what])}</strong>
          <p>{String(words[told[uplinkFault.code].next])}</p>
          <p class="muted small" lang="en">
            {uplinkFault.broker} · {uplinkFault.detail} · {instantText(uplinkFault.at)}
          </p>
          <p>{words.nothingLost}</p>
        </div>
      )}
      <dl class="facts">
        <div>
          <dt>{words.buffered}</dt>
          <dd>{words.rows(String(bufferedRows), String(kilobytes))}</dd>
        </div>
        {oldestBufferedAt !== null && (
          <div>
            <dt>{words.oldest}</dt>
            <dd>{instantText(oldestBufferedAt)}</dd>
          </div>
        )}
        <div>
          <dt>{words.lastUpload}</dt>
          <dd>{lastReceiptAt === null ? words.never : instantText(lastReceiptAt)}</dd>
        </div>
        {status.configState !== null && (
          <div>
            <dt>{words.configVersion}</dt>
            <dd>
              {status.configVersion ?? '–'} <code>{status.configState}</code>
            </dd>
          </div>
        )}
      </dl>
    </section>
  );
}
