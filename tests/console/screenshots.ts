// Draws the pictures of docs/images from a running server:
//
//   tests/console/screenshots [FOLDER]
//
// LATHE_CONSOLE_URL is the server's address; without it the mock server answers, from
// the built console in LATHE_CONSOLE_DIST.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { MockServer } from '../../console/dev/mock_server/server';
import { launchBrowser, visitReady } from './browser';

const LANGUAGES = {
  en: {
    tag: 'en-GB',
    questions: ['How does a lathe work? Answer in Markdown, with a table and some code.'],
    chat: 'Chat',
    model: 'Model',
    send: 'Send',
    settings: 'Open the settings',
  },
  zh: {
    tag: 'zh-CN',
    questions: ['请用几句话向孩子讲讲车床是做什么的。'],
    chat: '对话',
    model: '模型',
    send: '发送',
    settings: '打开设置',
  },
} as const;

type Language = keyof typeof LANGUAGES;

async function ask(page: Page, language: Language): Promise<void> {
  const texts = LANGUAGES[language];
  for (const question of texts.questions) {
    await page.locator('#composer').fill(question);
    await page.getByRole('button', { name: texts.send, exact: true }).click();
    await page.locator('.stats-line').last().waitFor({ timeout: 300_000 });
  }
}

async function shoot(
  browser: Browser,
  address: string,
  folder: string,
  language: Language,
  scheme: 'light' | 'dark',
) {
  const texts = LANGUAGES[language];
  const { context, page } = await visitReady(browser, address, {
    locale: texts.tag,
    colorScheme: scheme,
    viewport: { width: 1360, height: 860 },
  });
  const picture = (name: string) =>
    page.screenshot({
      path: join(folder, `console-${name}${language}-${scheme}.png`),
      animations: 'disabled',
    });
  await picture('welcome-');
  await ask(page, language);
  await page.getByRole('button', { name: texts.settings }).click();
  await picture('');
  await page.getByRole('link', { name: texts.model, exact: true }).click();
  await page.locator('.type-table').waitFor();
  await picture('model-');
  await page.setViewportSize({ width: 390, height: 844 });
  await picture('model-phone-');
  await page.goBack();
  await picture('phone-');
  await context.close();
}

const folder = process.argv.at(-1)?.includes('screenshots')
  ? 'docs/images'
  : (process.argv.at(-1) ?? '');
mkdirSync(folder, { recursive: true });
const given = process.env['LATHE_CONSOLE_URL'];
const mock = given ? null : new MockServer({ dist: process.env['LATHE_CONSOLE_DIST'], tokenMs: 8 });
const address = given ?? (await mock?.listen()) ?? '';
const browser = await launchBrowser();
for (const language of ['en', 'zh'] as const) {
  for (const scheme of ['light', 'dark'] as const)
    await shoot(browser, address, folder, language, scheme);
}
await browser.close();
await mock?.close();
