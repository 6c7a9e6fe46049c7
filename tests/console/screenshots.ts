// Draws the pictures of docs/images from a running server:
//
//   LATHE_CONSOLE_URL=http://127.0.0.1:8080 tests/console/screenshots [FOLDER]
//
// Without an address the mock server answers, from the built console in
// LATHE_CONSOLE_DIST. The seed is fixed: the same model draws the same pictures.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { launchBrowser, visitReady } from './browser';
import { ask, settled } from './page';
import { startMock } from './server';

const LANGUAGES = {
  en: {
    tag: 'en-GB',
    question:
      'Write a Python function that tells whether a text is a palindrome, then explain its steps in a short list.',
    model: 'Model',
    settings: 'Open the settings',
  },
  zh: {
    tag: 'zh-CN',
    question: '请用 Python 写一个判断回文的函数，然后用简短的列表说明步骤。',
    model: '模型',
    settings: '打开设置',
  },
} as const;

const TEMPERATURE = '0.3';
const SEED = '8';

type Language = keyof typeof LANGUAGES;
type Scheme = 'light' | 'dark';

// Fields of the settings in their order, which is the same in every language.
async function setNumber(page: Page, place: number, value: string): Promise<void> {
  const field = page.locator('.number-field').nth(place);
  await field.fill(value);
  await field.press('Enter');
}

async function draw(browser: Browser, address: string, language: Language, scheme: Scheme) {
  const texts = LANGUAGES[language];
  const { context, page } = await visitReady(browser, address, {
    locale: texts.tag,
    colorScheme: scheme,
    viewport: { width: 1360, height: 880 },
  });
  const picture = (name: string) =>
    page.screenshot({
      path: join(folder, `console-${name}${language}-${scheme}.png`),
      animations: 'disabled',
    });
  await page.getByRole('button', { name: texts.settings }).click();
  await setNumber(page, 0, TEMPERATURE);
  await setNumber(page, 5, SEED);
  await ask(page, texts.question);
  await settled(page);
  await picture('');
  await page.getByRole('link', { name: texts.model, exact: true }).click();
  await page.locator('.type-table').waitFor();
  await picture('model-');
  await page.goBack();
  await drawRuns(page, picture);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.locator('.message').last().waitFor();
  await picture('phone-');
  await context.close();
}

// The list of runs, the newest evaluation, and its comparison with the one before; nothing where
// the server has no two of them.
async function drawRuns(page: Page, picture: (name: string) => Promise<unknown>): Promise<void> {
  const response = await page.request.get(new URL('/v1/runs', page.url()).href);
  if (!response.ok()) return;
  const { data } = (await response.json()) as { data: { id: string; headline: unknown[] }[] };
  const [newest, before] = data.filter(({ headline }) => headline.length > 0);
  if (!newest || !before) return;
  const chat = page.url();
  const show = async (hash: string, shown: string) => {
    await page.evaluate((to) => {
      location.hash = to;
    }, hash);
    await page.locator(shown).first().waitFor();
  };
  await show('#/runs', '.run-row');
  await picture('runs-');
  await show(`#/runs/${encodeURIComponent(newest.id)}`, '.sample');
  await page.locator('.sample summary').first().click();
  await picture('run-');
  const ids = [before.id, newest.id].map(encodeURIComponent);
  await show(`#/compare/${ids.join('/')}`, '.conclusions');
  await picture('compare-');
  await page.goto(chat);
}

const folder = process.argv.at(-1) ?? 'docs/images';
mkdirSync(folder, { recursive: true });
const given = process.env['LATHE_CONSOLE_URL'];
const mock = given ? null : await startMock({ tokenMs: 8 });
const address = given ?? mock?.address ?? '';
const browser = await launchBrowser();
for (const language of ['en', 'zh'] as const) {
  for (const scheme of ['light', 'dark'] as const) await draw(browser, address, language, scheme);
}
await browser.close();
await mock?.server.close();
