import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import { buildDashboards, dashboardPages } from '../../process/built-pages.ts';
import { requirePeer } from '../../process/peers.ts';
import { hashPassword, verifyPassword } from '../../process/secrets.ts';
import type { GatewayView } from '../gateway-view.ts';
import { importMeterList } from '../meter-list/import-meter-list.ts';
import type { ListToImport } from './context.ts';
import type { EdgeServerOptions } from './server.ts';
import { cleanUp, PASSWORD, profiles, startTestServer } from './test-server.ts';

const chromiumPath = '/usr/bin/chromium';
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
];
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = { width: 375, height: 740 };

let browser: Browser | null = null;
afterAll(async () => browser?.close());

async function openPage(
  context: { skip(note?: string): never },
  locale: string,
  options: Partial<EdgeServerOptions> = {},
  shown: (gateway: GatewayView) => GatewayView = (gateway) => gateway,
) {
  requirePeer(context, chromiumPath);
  browser ??= await chromium.launch({ executablePath: chromiumPath, args });
  const faults: string[] = [];
  const pages = dashboardPages((error) => faults.push(error.message), 'edge.html');
  await pages.ready;
  const server = await startTestServer({ pages, ...options }, shown);
  await server.api.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.api.server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const own = await browser.newContext({
    locale,
    timezoneId: 'Asia/Shanghai',
    viewport: PHONE,
    baseURL: url,
  });
  cleanUp(() => own.close());
  const page = await own.newPage();
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`) && !/^(data|blob):/.test(request.url()))
      faults.push(request.url());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/401|422/.test(message.text())) faults.push(message.text());
  });
  await page.goto('/');
  return { page, server, faults };
}

/** Nothing serious for axe, nothing past the edge of the phone, nothing too small for a thumb. */
async function expectFit(page: Page): Promise<void> {
  const found = await page.evaluate(`${axeSource}; axe.run(document, { resultTypes: ['violations'] })`);
  const serious = (
    found as { violations: { id: string; impact: string; nodes: { html: string }[] }[] }
  ).violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  expect(serious).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(PHONE.width);
  const small = await page.evaluate(`[...document.querySelectorAll('button, input, select, a, summary')]
    .filter((one) => one.offsetParent !== null && one.type !== 'file' && one.offsetHeight < 44).map((one) => one.outerHTML)`);
  expect(small).toEqual([]);
}

test('the page weighs at most 40 KB with its scripts and styles', async () => {
  const folder = await buildDashboards();
  const html = readFileSync(`${folder}/edge.html`, 'utf8');
  const files = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, name]) => name);
  expect(files.length).toBeGreaterThan(1);
  const bytes = files.map((name) => gzipSync(readFileSync(`${folder}/${name}`), { level: 9 }).length);
  expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(40_000);
});

test('on a phone: the site, a live read and a scan, in Chinese; Back stays within the page', async (context) => {
  const { page, faults } = await openPage(context, 'zh-CN');
  await page.getByTestId('health').waitFor();
  expect(await page.getByTestId('health').textContent()).toContain('E-9 无应答');
  await expectFit(page);

  await page.getByRole('link', { name: /E-9: 无应答/ }).click();
  await page.getByRole('heading', { name: 'E-9' }).waitFor();
  expect(await page.getByRole('heading', { name: 'E-3' }).count()).toBe(0);
  await page.getByRole('button', { name: '立即读取' }).click();
  await page.getByText('没有应答').waitFor();
  await expectFit(page);

  await page.getByRole('searchbox').fill('E-3');
  await page.getByRole('button', { name: '立即读取' }).click();
  await page.getByRole('cell', { name: /^123.456\.78.kWh$/ }).waitFor();
  await page.getByText('正向有功电能').first().waitFor();
  await page.getByText(/^排队 \d+ ms/).waitFor();
  await expectFit(page);

  await page.getByRole('link', { name: '扫描' }).click();
  await page.getByRole('button', { name: '开始扫描' }).click();
  await page.getByText(/正在问地址 \d+ · \d+\/247/).waitFor();
  const third = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: '地址 3' }) });
  await third.getByText(/123.456\.78.kWh/).waitFor();
  expect(await third.textContent()).toMatch(/E-3Acrel DTSD1352 · 电/);
  await expectFit(page);
  await page.getByRole('button', { name: '停止' }).click();
  await page.getByText('已停止。轮询照常。').waitFor();

  await third.getByRole('link', { name: '核对此表' }).click();
  await page.getByLabel('表面读数').waitFor();
  await page.goBack();
  await page.getByText('已停止。轮询照常。').waitFor();
  await page.goBack();
  await page.getByRole('searchbox').waitFor();
  expect(await page.getByRole('searchbox').inputValue()).toBe('E-3');
  await page.goBack();
  await page.getByTestId('health').waitFor();
  expect(faults).toEqual([]);
}, 120_000);

const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000ffd9', 'hex');
const photo = { name: 'face.jpg', mimeType: 'image/jpeg', buffer: jpeg };
const photoHash = createHash('sha256').update(jpeg).digest('hex');

/** As far as the signature, a question a screen. */
async function proveE3(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Prove', exact: true }).click();
  await page.getByRole('link', { name: /^E-3/ }).click();
  expect(await page.getByRole('button', { name: 'Next' }).isDisabled()).toBe(true);
  await page.getByText('Type the digits on the face first').waitFor();
  await page.getByLabel('Digits on the face').fill('123456.78');
  await expectFit(page);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByLabel('Photo of the face').setInputFiles(photo);
  // Without https a page has no crypto.subtle: it hashes by itself, and gets what the server signs.
  await page.getByText(photoHash).waitFor();
  await expectFit(page);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('Where to look').click();
  await page.getByLabel('Last register').fill('31');
  await page.getByRole('button', { name: 'Find the register' }).click();
  await page.getByRole('button', { name: 'Lock' }).first().click();
  await expectFit(page);
}

test('signed with a photo, name and place, the match becomes evidence', async (context) => {
  const { page, server, faults } = await openPage(context, 'en-GB');
  await proveE3(page);
  // The page is closed and opened anew in the middle of it: nothing is lost, and Back is safe.
  await page.reload();
  await page.getByRole('button', { name: '✓ Locked' }).waitFor();
  await page.goBack();
  await page.getByText(photoHash).waitFor();
  await page.goForward();
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByText('Type your name first').waitFor();
  await page.getByLabel('Your name').fill('Wang');
  await page.getByLabel(/Coordinates/).fill('31.2304, 121.4737');
  await expectFit(page);
  await page.getByRole('button', { name: 'Sign and keep the evidence' }).click();
  await page.getByText(/Evidence kept at/).waitFor();
  await expectFit(page);
  expect(server.evidence).toMatchObject([
    {
      meter: 'E-3',
      profile: 'acrel-dtsd1352',
      register: '1-0:1.8.0',
      face: '123456.78',
      decoding: {
        functionCode: 3,
        address: 10,
        raw: '00bc614e',
        type: 'u32',
        order: 'ABCD',
        scale: '0.01',
        transformed: null,
      },
      photo: jpeg,
      by: 'Wang',
      place: { latitude: '31.2304', longitude: '121.4737' },
    },
  ]);
  expect(faults).toEqual([]);
}, 120_000);

test('what is signed while the gateway is away waits on the phone, and goes up when it is back', async (context) => {
  const { page, server } = await openPage(context, 'en-GB');
  await proveE3(page);
  await page.getByRole('button', { name: 'Next' }).click();
  await page.getByLabel('Your name').fill('Wang');
  await page.context().setOffline(true);
  await page.getByRole('button', { name: 'Sign and keep the evidence' }).click();
  await page.getByText(/^E-3, signed at .* waits for the gateway$/).waitFor();
  await page.getByText('The gateway cannot be reached').waitFor({ timeout: 15_000 });
  expect(server.evidence).toEqual([]);
  await page.context().setOffline(false);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText(/Evidence kept at/).waitFor({ timeout: 15_000 });
  expect(server.evidence).toMatchObject([{ meter: 'E-3', by: 'Wang', photo: jpeg }]);
}, 120_000);

test('a meter list is tried, its bad cells come back marked, unknown headings are named once, and it is taken', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'meterline-lan-list-'));
  cleanUp(async () => rmSync(folder, { recursive: true }));
  const configFile = join(folder, 'edge.yaml');
  writeFileSync(
    configFile,
    'gateway: gw-a\ndataDir: ./data\nbroker: mqtt://127.0.0.1\nbuses:\n  - id: floor-1\n    tcp: 127.0.0.1:502\n    meters:\n      - { meter: E-3, profile: acrel-dtsd1352, unit: 3 }\n',
  );
  const importList = async (list: ListToImport) =>
    importMeterList({
      ...list,
      parkFile: null,
      defaults: {},
      decimalComma: false,
      remove: false,
      configFile,
      profiles,
    });
  const { page, faults } = await openPage(context, 'zh-CN', { importList });
  await page.getByRole('link', { name: '清单' }).click();
  const upload = (text: string) =>
    page
      .getByLabel('选择文件')
      .setInputFiles({ name: '表计.csv', mimeType: 'text/csv', buffer: Buffer.from(text) });
  await upload('表号,型号,总线,地址,倍率\nE-3,acrel-dtsd1352,floor-1,3,40\nE-4,no-such-model,floor-1,4,40\n');
  await page.getByText(/处问题，什么都没有导入/).waitFor();
  await page.getByText(/没有型号 .*no-such-model/).waitFor();
  const marked = page.waitForEvent('download');
  await page.getByRole('link', { name: /下载标注后的文件/ }).click();
  expect((await marked).suggestedFilename()).toBe('表计.checked.csv');
  await expectFit(page);

  await upload(
    '表号,型号,总线,通讯地,倍率\nE-3,acrel-dtsd1352,floor-1,3,40\nE-4,acrel-dtsd1352,floor-1,4,40\n',
  );
  await page.getByRole('combobox', { name: /^通讯地/ }).selectOption({ label: '地址' });
  await page.getByRole('button', { name: '再试算' }).click();
  await page.getByText('试算：清单 2 块表，尚未写入').waitFor();
  await page.getByText('没有写入的列：倍率').waitFor();
  expect(readFileSync(configFile, 'utf8')).not.toContain('E-4');
  await expectFit(page);
  await page.getByRole('button', { name: '写入 1 处改动' }).click();
  await page.getByText(/已写入/).waitFor();
  expect(readFileSync(configFile, 'utf8')).toContain('E-4');
  await page.getByText('没有写入的列：倍率').waitFor();
  expect(faults).toEqual([]);
}, 120_000);

test('without a way to the cloud it says how far it got, and the next thing to try', async (context) => {
  const { page } = await openPage(context, 'zh-CN', {}, (gateway) => ({
    ...gateway,
    status: () => ({ ...gateway.status(), online: false }),
    uplinkFault: () => ({
      code: 'credential_refused',
      detail: 'Connection refused: Not authorized',
      broker: 'mqtts://cloud.example:8883',
      at: '2026-09-01T00:06:00Z',
    }),
  }));
  await page.getByText('服务器拒绝了用户名或密码').waitFor();
  await page.getByText(/核对 username/).waitFor();
  await expectFit(page);
}, 120_000);

test('with a password it asks for it first', async (context) => {
  const hash = await hashPassword(PASSWORD);
  const { page } = await openPage(context, 'en-GB', {
    verifyPassword: (password) => verifyPassword(password, hash),
  });
  await page.getByLabel("The gateway's password").fill('wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The password is wrong').waitFor();
  await expectFit(page);
  await page.getByLabel("The gateway's password").fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByTestId('health').waitFor();
}, 120_000);
