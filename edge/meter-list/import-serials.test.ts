/** Serial numbers of a list go to the gateway, which asks meters for theirs. */
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { outlineOf } from './edge-document.ts';
import { exportMeterList } from './export-meter-list.ts';
import { at, edgeText, importList, installBeforeEach } from './test-installation.ts';

const EDGE = `gateway: gw-a
dataDir: ./data
broker: mqtt://127.0.0.1:1883
buses:
  - id: b1
    tcp: 127.0.0.1:502
    meters:
      - { meter: E-M, profile: acrel-dtsd1352, unit: 1 } # 400/5
      - { meter: E-101, profile: eastron-sdm630, unit: 2 }
`;

installBeforeEach({ 'edge.yaml': EDGE });

test('a serial number is written where the gateway can ask the meter for it', () => {
  const list =
    '表号,型号,总线,地址,出厂编号,资产编号\nE-M,DTSD1352,b1,1,0012,ZC-1\nE-101,SDM630,b1,2,01234567,ZC-2\nE-104,abb-b23,b1,4,778899,ZC-3\n';
  const result = importList(list);
  expect(result).toMatchObject({
    notTaken: null,
    edge: { changed: [{ meter: 'E-101', changes: [{ key: 'serial', from: null, to: '01234567' }] }] },
  });
  expect(edgeText()).toContain('{ meter: E-M, profile: acrel-dtsd1352, unit: 1 } # 400/5');
  expect(edgeText()).toContain('{ meter: E-101, profile: eastron-sdm630, unit: 2, serial: "01234567" }');
  expect(edgeText()).toContain('{ meter: E-104, profile: abb-b23, unit: 4, serial: "778899" }');
  expect(importList(list)).toMatchObject({ written: false, edge: { unchanged: 3 } });
  const exported = exportMeterList({
    meters: outlineOf(edgeText())?.meters ?? [],
    park: null,
    format: 'csv',
    language: 'en',
  });
  expect(new TextDecoder().decode(exported)).toContain('E-101,eastron-sdm630,b1,2,01234567\r\n');
  expect(importList(exported, { remove: true })).toMatchObject({ written: false, edge: { unchanged: 3 } });
});

test('a list without serial numbers takes none away, however the file writes them', () => {
  writeFileSync(at('edge.yaml'), EDGE.replace('unit: 2 }', 'unit: 2, serial: 1234567 }'));
  expect(importList('表号,型号,总线,地址\nE-101,SDM630,b1,5\n').ok).toBe(true);
  expect(edgeText()).toBe(EDGE.replace('unit: 2 }', 'unit: 5, serial: 1234567 }'));
});

test('of a model whose register nobody vouches for it stays out, and is told', () => {
  const result = importList('表号,型号,总线,地址,出厂编号\nE-105,abb-a43,b1,5,778899\n');
  expect(result).toMatchObject({ ok: true, notTaken: { columns: ['出厂编号'] } });
  expect(edgeText()).toContain('{ meter: E-105, profile: abb-a43, unit: 5 }');
});
