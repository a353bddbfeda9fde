import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import { buildDashboards, dashboardPages } from '../../built-pages.ts';
import { requirePeer } from '../../peers.ts';
import { hashPassword, verifyPassword } from '../../secrets.ts';
import type { EdgeServerOptions } from './server.ts';
import { cleanUp, PASSWORD, startTestServer } from './test-server.ts';

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
) {
  requirePeer(context, chromiumPath);
  browser ??= await chromium.launch({ executablePath: chromiumPath, args });
  const faults: string[] = [];
  const pages = dashboardPages((error) => faults.push(error.message), 'edge.html');
  await pages.ready;
  const server = await startTestServer({ pages, ...options });
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
    if (!request.url().startsWith(`${url}/`) && !request.url().startsWith('data:'))
      faults.push(request.url());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/401/.test(message.text())) faults.push(message.text());
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
  const small = await page.evaluate(`[...document.querySelectorAll('button, input, select')]
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

test('on a phone: the site, a live read, a scan and the proof of a meter, in Chinese', async (context) => {
  const { page, faults } = await openPage(context, 'zh-CN');
  await page.getByTestId('health').waitFor();
  expect(await page.getByTestId('health').textContent()).toContain('E-9 无应答');
  await expectFit(page);

  await page.getByRole('button', { name: 'E-9: 无应答' }).click();
  await page.getByRole('heading', { name: 'E-9' }).waitFor();
  expect(await page.getByRole('heading', { name: 'E-3' }).count()).toBe(0);
  await page.getByRole('button', { name: '立即读取' }).click();
  await page.getByText('没有应答').waitFor();
  await expectFit(page);

  await page.getByRole('searchbox').fill('E-3');
  await page.getByRole('button', { name: '立即读取' }).click();
  await page.getByRole('cell', { name: /123.456\.780.kWh/ }).waitFor();
  await page.getByText(/^排队 \d+ ms/).waitFor();
  await expectFit(page);

  await page.getByRole('button', { name: '扫描' }).click();
  await page.getByRole('button', { name: '开始扫描' }).click();
  await page.getByText(/正在问地址 \d+ · \d+\/247/).waitFor();
  await page.getByText('地址 3', { exact: true }).waitFor();
  await expectFit(page);
  await page.getByRole('button', { name: '停止' }).click();
  await page.getByText('已停止。轮询照常。').waitFor();

  const third = page.getByRole('listitem').filter({ hasText: '地址 3' });
  await third.getByRole('button', { name: '对码' }).click();
  await page.getByLabel('表面读数').fill('123456.78');
  await page.getByLabel('终止寄存器').fill('31');
  await page.getByRole('button', { name: '查找寄存器' }).click();
  await page.getByRole('heading', { name: /得出 123456\.78/ }).waitFor();
  await page.getByRole('button', { name: '选定' }).first().click();
  await page.getByRole('heading', { name: '签字' }).waitFor();
  await expectFit(page);
  expect(faults).toEqual([]);
}, 120_000);

test('signed with a photo, name and place, the match becomes evidence', async (context) => {
  const { page, server, faults } = await openPage(context, 'en-GB');
  await page.getByRole('button', { name: 'Meters' }).click();
  await page.getByRole('button', { name: 'Prove', exact: true }).nth(1).click();
  await page.getByLabel('Digits on the face').fill('123456.78');
  await page.getByLabel('Last register').fill('31');
  await page.getByRole('button', { name: 'Find the register' }).click();
  await page.getByRole('button', { name: 'Lock' }).first().click();
  const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000ffd9', 'hex');
  await page
    .getByLabel('Photo of the face')
    .setInputFiles({ name: 'face.jpg', mimeType: 'image/jpeg', buffer: jpeg });
  await page.getByText(/Digest [0-9a-f]{64}/).waitFor();
  await page.getByLabel('Your name').fill('Wang');
  await page.getByLabel(/Coordinates/).fill('31.2304, 121.4737');
  await page.getByRole('button', { name: 'Sign and keep the evidence' }).click();
  await page.getByText(/^✓ Evidence kept at/).waitFor();
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
