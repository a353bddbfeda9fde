import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, expect, test } from 'vitest';
import { buildDashboards } from '../process/built-pages.ts';
import { requirePeer } from '../process/peers.ts';
import { digestOf, mintToken } from '../process/secrets.ts';
import type { StatementSummary } from '../protocols/api.ts';
import { silentMeter } from './api/fixture-park.ts';
import { password } from './api/fixture-server.ts';
import { type FixtureService, startFixtureService } from './fixture-service.ts';

const chromiumPath = '/usr/bin/chromium';
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let service: FixtureService | null = null;
let browser: Browser | null = null;

/** One service and one browser for all: started by the first test that needs them. */
async function openPage(context: { skip(note?: string): never }, language: string, width: number) {
  requirePeer(context, chromiumPath);
  service ??= await startFixtureService();
  browser ??= await chromium.launch({ executablePath: chromiumPath, args });
  const own: BrowserContext = await browser.newContext({
    locale: language,
    timezoneId: 'Europe/Berlin',
    viewport: { width, height: 900 },
    baseURL: service.url,
  });
  const page = await own.newPage();
  const outside: string[] = [];
  const faults: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(`${service?.url}/`) && !request.url().startsWith('data:'))
      outside.push(request.url());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    // A 401 before signing in is what the page asks for; anything else is a fault of ours.
    if (message.type() === 'error' && !message.text().includes('401')) faults.push(message.text());
  });
  return { page, context: own, outside, faults, service };
}

async function seriousFindings(page: Page): Promise<string[]> {
  // The page's own policy forbids foreign scripts, and should: the check goes in beside it.
  const found = await page.evaluate(`${axeSource}; axe.run(document, { resultTypes: ['violations'] })`);
  return (found as { violations: { id: string; impact: string; nodes: { html: string }[] }[] }).violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

/** The tenant's link of a lease, as the staff sees it. */
async function linkOf(page: Page, lease: string): Promise<string> {
  const answer = await page.context().request.get(`/api/v1/statements?lease=${lease}`);
  const { items } = (await answer.json()) as { items: StatementSummary[] };
  return items[0]?.link ?? '';
}

async function signIn(page: Page, button: string): Promise<void> {
  await page.goto('/');
  await page.locator('input[type=password]').fill(password);
  await page.getByRole('button', { name: button, exact: true }).click();
  await page.getByTestId('health').waitFor();
}

afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

test('the tenant page weighs at most 60 KB with its scripts and styles', async () => {
  const folder = await buildDashboards();
  const html = readFileSync(`${folder}/tenant.html`, 'utf8');
  const files = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, name]) => name);
  expect(files.length).toBeGreaterThan(1);
  const bytes = files.map((name) => gzipSync(readFileSync(`${folder}/${name}`), { level: 9 }).length);
  expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(60_000);
});

test('the operator signs in, sees the park, a curve, the balanced tree, closes the period and sees the anomalies', async (context) => {
  const { page, outside, faults } = await openPage(context, 'zh-CN', 1280);
  await page.goto('/');
  await page.locator('input[type=password]').fill('wrong');
  await page.getByRole('button', { name: '登录' }).click();
  await page.getByText('密码不正确').waitFor();
  expect(await seriousFindings(page)).toEqual([]);

  await signIn(page, '登录');
  expect(await page.getByTestId('health').textContent()).toContain('16 块表');
  await page.getByRole('row', { name: /E-B-101/ }).waitFor();
  expect(await seriousFindings(page)).toEqual([]);

  await page.keyboard.press('/');
  await page.keyboard.type(silentMeter);
  await page.getByRole('link', { name: silentMeter, exact: true }).click();
  await page.locator('.curve canvas').waitFor();
  await page.getByRole('button', { name: '表格' }).click();
  expect(await page.locator('section.table tbody tr').count()).toBe(96);
  await page.getByRole('button', { name: '月', exact: true }).click();
  await page.getByText(/个区间为估算/).waitFor();
  expect(await seriousFindings(page)).toEqual([]);

  await page.getByRole('link', { name: '计量平衡' }).click();
  await page.getByTestId('conserved').waitFor();
  const branch = page.getByRole('row', { name: /E-A A 座总表/ });
  expect(await branch.textContent()).toMatch(/平衡|损耗/);
  await page.getByRole('button', { name: 'E-A', exact: true }).click();
  expect(await page.getByRole('row', { name: /E-A-101/ }).count()).toBe(0);
  expect(await seriousFindings(page)).toEqual([]);

  await page.getByRole('link', { name: '结算', exact: true }).click();
  await page.getByText('1 块表、193 个区间为估算，约合 ¥244.80，账单总额 ¥85\u202f597.82').waitFor();
  await page.getByRole('button', { name: '检查通过，进入试算' }).click();
  const compute = page.getByRole('button', { name: '试算', exact: true });
  await compute.waitFor();
  expect(await compute.isDisabled()).toBe(true);
  await page.getByLabel('签字人').fill('值班员');
  await page.getByLabel('理由').fill('通讯中断，总量由止码确定');
  expect(await seriousFindings(page)).toEqual([]);
  await compute.click();
  await page.getByText('与试算时的校验码一致').waitFor();
  expect(await page.getByRole('row', { name: /北辰设计/ }).textContent()).toContain(
    '含估算 涉及金额 ¥244.80',
  );
  expect(await page.getByRole('row', { name: /青禾文化/ }).count()).toBe(0);
  expect(await page.getByText('✓ 成立').count()).toBe(8);
  await page.getByLabel('看过什么、结论如何').fill('估算由止码证实');
  await page.getByRole('button', { name: '签字复核' }).click();
  await page.getByText(/^签发 5 份结算单，合计 ¥/).waitFor();
  expect(await seriousFindings(page)).toEqual([]);
  // Nothing leaves the house at the first click.
  await page.getByRole('button', { name: '签发结算单…' }).click();
  expect(await page.getByRole('heading', { name: '结算单', exact: true }).count()).toBe(0);
  await page.getByRole('button', { name: '确认签发' }).click();
  await page.getByRole('rowheader', { name: '电 · 峰段电能' }).first().waitFor();
  await page.getByRole('button', { name: '二维码' }).first().click();
  await page.getByRole('img', { name: /结算单的二维码/ }).waitFor();
  expect(await seriousFindings(page)).toEqual([]);

  await page.getByRole('link', { name: '异常', exact: true }).click();
  await page.getByRole('heading', { name: '异常' }).waitFor();
  await page.getByText(/流量始终不低于 0.18 m³\/h/).waitFor();
  expect(await seriousFindings(page)).toEqual([]);
  expect(outside).toEqual([]);
  expect(faults.filter((text) => !/status of (401|409)/.test(text))).toEqual([]);
}, 120_000);

/** What the pages of finance need beside an issued month: a contested line, another person's key, a message in quarantine. */
async function openCases({ store }: FixtureService): Promise<{ key: string }> {
  const [statement] = await store.statements({ lease: 'L-02' });
  await store.openDispute({
    ...{ id: '0123456789ab', statement: statement?.id ?? '', line: 'water.water.own' },
    ...{ openedAt: '2026-09-30T16:05:00Z', reason: '夜间用水不是我们用的' },
  });
  const secret = mintToken();
  await store.addApiKey({
    ...{ id: '0000000b', name: '复核人', scopes: ['billing:run'] },
    ...{ digest: digestOf(secret), createdAt: '2026-09-01T00:00:00Z' },
  });
  const late = { kind: 'reading', meter: 'E-A-101', register: '1-0:1.8.0', unit: 'kWh' } as const;
  const items = [1, 2].map((sequence) => ({
    ...{ ...late, sequence, value: '1', raw: '00000001', source: 'poll' as const },
    readAt: `2026-12-0${sequence}T00:00:00Z`,
  }));
  const epoch = '00000000000000bb';
  await store.ingestBatch({ gateway: 'gw-a', epoch, from: 1, to: 2, items }, '2026-09-30T16:05:00Z');
  return { key: `mlk_0000000b_${secret}` };
}

test('finance decides a dispute, has a credit approved by another, compares the books, reads the rules, empties the quarantine', async (context) => {
  const { page, faults, service: running } = await openPage(context, 'zh-CN', 1280);
  const { key } = await openCases(running);
  await signIn(page, '登录');
  await page.getByRole('link', { name: '结算', exact: true }).click();
  await page.getByRole('link', { name: '! 有异议' }).click();
  await page.getByText('1 项待处理，暂缓收取 ¥2\u202f140.94').waitFor();
  await page.getByText('处理', { exact: true }).click();
  await page.getByLabel('处理理由（租户会看到）').fill('水管检修当晚的用水由业主承担');
  await page.getByLabel(/^减免金额/).fill('100');
  await page.getByRole('button', { name: '同意减免 ¥100' }).click();
  const approve = page.getByRole('button', { name: '批准', exact: true });
  await approve.waitFor();
  // Whoever asked cannot approve: the button waits for another person's key.
  expect(await approve.isDisabled()).toBe(true);
  await page.getByLabel('批准人的密钥').fill(key);
  expect(await seriousFindings(page)).toEqual([]);
  await approve.click();
  await page.getByText('待入账').waitFor();

  await page.getByRole('link', { name: '规则与电价' }).click();
  await page.getByText('¥5.83/m³').waitFor();
  await page.getByRole('button', { name: '表格' }).first().click();
  await page.getByText('11:00–12:00').waitFor();
  expect(await seriousFindings(page)).toEqual([]);

  await page.getByRole('link', { name: '对账与推送' }).click();
  await page.getByText('✓ 三方一致，逐笔相符。').waitFor();
  await page.locator('summary', { hasText: '添加推送地址' }).click();
  await page.getByLabel('地址（https）').fill('https://10.0.0.1/ledger');
  await page.getByRole('button', { name: '添加推送地址' }).click();
  await page.getByText('webhook_refused').waitFor();

  await page.goto('/#/quarantine');
  await page.getByRole('button', { name: '放行入库' }).first().click();
  await page.getByText('not_releasable').waitFor();
  await page.getByLabel('驳回理由').first().fill('网关时钟错误');
  await page.getByRole('button', { name: '驳回', exact: true }).first().click();
  await page.getByRole('button', { name: '已驳回' }).click();
  await page.getByText(/operator .* 网关时钟错误/).waitFor();
  expect(await seriousFindings(page)).toEqual([]);
  expect(faults.filter((text) => !/status of (401|409|422)/.test(text))).toEqual([]);
}, 120_000);

test('on a phone, the pages of finance stay within its width', async (context) => {
  const { page } = await openPage(context, 'en-GB', 375);
  await signIn(page, 'Sign in');
  for (const [hash, text] of [
    ['billing/2026-09', 'Proof of conservation'],
    ['cases', 'credit granted'],
    ['terms', 'Time of use (24 hours)'],
    ['delivery', 'All three agree'],
    ['quarantine', 'future_timestamp'],
  ]) {
    await page.goto(`/#/${hash}`);
    await page
      .getByText(text ?? '')
      .first()
      .waitFor();
    expect([hash, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([hash, 375]);
    expect(await seriousFindings(page)).toEqual([]);
  }
}, 120_000);

test('the tree shows all its columns from 1100 px up, in rows of 32 px, and what is known of a month that runs', async (context) => {
  const { page } = await openPage(context, 'en-GB', 1280);
  await signIn(page, 'Sign in');
  await page.getByRole('link', { name: 'Tree and balance' }).click();
  await page.getByRole('row', { name: /E-A-103/ }).waitFor();
  const layout = () =>
    page.evaluate(`(() => {
      const { scrollWidth, clientWidth } = document.querySelector('.tree');
      const rows = [...document.querySelectorAll('.tree tbody tr')];
      return { fits: scrollWidth <= clientWidth, heights: [...new Set(rows.map((row) => row.offsetHeight))] };
    })()`);
  for (const width of [1280, 1160, 1100]) {
    await page.setViewportSize({ width, height: 700 });
    expect(await layout()).toEqual({ fits: true, heights: [32] });
  }
  expect(await page.getByTestId('conserved').textContent()).toMatch(/^[✓!] (Conserved|Not conserved)/);
  // Seven minutes into the month, nothing of it is known.
  await page.getByRole('button', { name: 'Later' }).click();
  await page.getByText('There are no intervals for this span yet.').waitFor();
}, 120_000);

test('the tenant opens the link, sees it checked on the device, opens a line down to its registers, and confirms', async (context) => {
  const { page, outside, faults, service: running } = await openPage(context, 'zh-CN', 375);
  const [statement] = await running.store.statements({ lease: 'L-01' });
  await signIn(page, '登录');
  const link = await linkOf(page, 'L-01');
  await page.context().clearCookies();

  await page.goto(link);
  await page.getByText('已在本机核验').waitFor();
  expect(await page.getByText('湖畔物业服务有限公司').count()).toBe(1);
  expect(await page.getByTestId('total').textContent()).toContain('¥');
  await page.getByText('怎么算的').first().click();
  await page.getByText('起码').first().waitFor();
  await page.locator('.curve canvas').waitFor();
  await page.locator('.lines summary', { hasText: '水' }).first().click();
  await page
    .getByText(/^各阶合计（不含税）: 30 × ¥3.45 \+ 50 × ¥4.83 \+ [\d.]+ × ¥5.83 = ¥/)
    .first()
    .waitFor();
  // Nothing reaches past the edge of a phone.
  expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375);
  expect(await seriousFindings(page)).toEqual([]);

  await page.getByRole('button', { name: '确认这份结算单' }).click();
  await page.getByText(/^✓ 已于/).waitFor();
  expect(await page.getByRole('link', { name: '下载结算单文件' }).count()).toBe(1);
  expect((await running.store.statement(statement?.id ?? ''))?.confirmedAt).not.toBeNull();
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByText(/^✓ Confirmed on/).waitFor();
  expect(outside).toEqual([]);
  expect(faults).toEqual([]);
}, 120_000);

test('a statement that was tampered with is not passed as good, and cannot be confirmed', async (context) => {
  const { page, service: running } = await openPage(context, 'en-GB', 375);
  const [statement] = await running.store.statements({ lease: 'L-02' });
  await page.route('**/api/v1/tenant/*/statement', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replace('"gross":"', '"gross":"1') });
  });
  await signIn(page, 'Sign in');
  const link = await linkOf(page, 'L-02');
  await page.goto(link);
  await page.getByText('The check failed').waitFor();
  expect(await page.getByRole('button', { name: 'Confirm this statement' }).isDisabled()).toBe(true);
  expect((await running.store.statement(statement?.id ?? ''))?.confirmedAt).toBeNull();
}, 120_000);

test('a link that opens nothing says so', async (context) => {
  const { page } = await openPage(context, 'en-GB', 375);
  const response = await page.goto('/s/no-such-link');
  expect(response?.status()).toBe(404);
  await page.getByText('The link is not valid').waitFor();
  expect(await seriousFindings(page)).toEqual([]);
}, 120_000);
