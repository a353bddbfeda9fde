import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const ANALYZE = '/usr/bin/systemd-analyze';

describe.each(['edge/meterline-edge.service', 'cloud/meterline-cloud.service'])('%s', (unit) => {
  const text = readFileSync(join(import.meta.dirname, '..', unit), 'utf8');

  test.each([
    'DynamicUser=yes',
    'StateDirectory=',
    'ProtectSystem=strict',
    'DevicePolicy=closed',
    'NoNewPrivileges=yes',
    'CapabilityBoundingSet=\n',
    'Restart=always',
  ])('says %j', (line) => {
    expect(text).toContain(`\n${line}`);
  });

  test('a wrong configuration ends it for good: RestartPreventExitStatus looks at the main process alone', () => {
    expect(text).toContain('\nRestartPreventExitStatus=2\n');
    expect(text).not.toContain('ExecStartPre');
  });

  test('is what systemd understands', (context) => {
    if (!existsSync(ANALYZE)) return context.skip(`${ANALYZE} is not there`);
    const folder = mkdtempSync(join(tmpdir(), 'meterline-unit-'));
    // Only the programs are not where the unit looks for them.
    const there = text.replaceAll('/opt/meterline/node_modules/.bin/node', process.execPath);
    const file = join(folder, basename(unit));
    writeFileSync(file, there.replace(/^(WorkingDirectory|Documentation)=.*\n/gm, ''));
    try {
      expect(execFileSync(ANALYZE, ['verify', file], { encoding: 'utf8', stdio: 'pipe' })).toBe('');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
