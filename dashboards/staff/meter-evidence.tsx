/** Who compared the meter with its face, and which way of reading its registers gave the digits. */
import type { MeterSummary } from '../../protocols/api.ts';
import type { EvidenceDecoding, SignedEvidence } from '../../protocols/evidence.ts';
import { quantityText } from '../format.ts';
import { ResourceState } from './problem-notice.tsx';
import { useInstantText, useSession } from './session.ts';
import { useResource } from './use-resource.ts';

export function MeterEvidence({ meter }: { meter: MeterSummary }) {
  const { words } = useSession();
  const all = useResource<{ items: SignedEvidence[] }>(
    `/api/v1/meters/${encodeURIComponent(meter.id)}/evidence`,
  );
  return (
    <section>
      <h2>{words.evidence}</h2>
      <ResourceState resource={all} />
      {all.data?.items.length === 0 && <p className="notice">{words.noEvidence}</p>}
      {all.data !== null && all.data.items.length > 0 && (
        <div className="table">
          <table>
            <thead>
              <tr>
                <th scope="col">{words.time}</th>
                <th scope="col">{words.provedBy}</th>
                <th scope="col" className="number">
                  {words.face}
                </th>
                <th scope="col" className="number">
                  {words.value}
                </th>
                <th scope="col" className="number">
                  {words.difference}
                </th>
                <th scope="col">{words.decodedAs}</th>
                <th scope="col">{words.photo}</th>
                <th scope="col">{words.signedWith}</th>
              </tr>
            </thead>
            <tbody>
              {all.data.items.map((one) => (
                <EvidenceRow key={one.digest} one={one} unit={meter.unit} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function EvidenceRow({ one, unit }: { one: SignedEvidence; unit: string }) {
  const { words } = useSession();
  const instantText = useInstantText();
  const { at, by, place, face, value, difference, decoding, photo, gateway } = one.evidence;
  return (
    <tr>
      <td>{instantText(at)}</td>
      <td>
        {by}
        {place !== null && <span className="muted"> {`${place.latitude}, ${place.longitude}`}</span>}
      </td>
      <td className="number mono">{face}</td>
      <td className="number mono">{quantityText(value, unit)}</td>
      <td className="number mono">{difference}</td>
      <td className="mono">{decodingText(decoding)}</td>
      <td>
        {photo === null ? (
          '—'
        ) : (
          <span title={`SHA-256 ${photo.sha256}`}>
            {words.photoKept(String(Math.ceil(photo.bytes / 1024)))}
          </span>
        )}
      </td>
      <td>
        {gateway} <span className="mono">{one.signature.keyId}</span>
      </td>
    </tr>
  );
}

function decodingText({
  functionCode,
  address,
  raw,
  type,
  order,
  scale,
  transformed,
}: EvidenceDecoding): string {
  const place = `FC${functionCode} 0x${address.toString(16).padStart(4, '0')} = 0x${raw}`;
  const sign = transformed?.by === 'divided' ? '÷' : '×';
  const ratio = transformed === null ? '' : ` ${sign} ${transformed.ratio}`;
  return `${place}, ${type} ${order} × ${scale}${ratio}`;
}
