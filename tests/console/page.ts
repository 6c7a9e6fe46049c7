// What a reader does on the console, in the words of the tests.
import type { Locator, Page } from 'playwright-core';

export const composer = (page: Page): Locator => page.locator('#composer');
export const answers = (page: Page): Locator => page.locator('.message.answer');
export const lastAnswer = (page: Page): Locator => answers(page).last();
export const answerText = (page: Page): Locator => lastAnswer(page).locator('.answer-text');

export async function ask(page: Page, text: string): Promise<void> {
  const before = await answers(page).count();
  await composer(page).fill(text);
  await composer(page).press('Enter');
  await answers(page).nth(before).waitFor();
}

// Until no answer is under way.
export async function settled(page: Page): Promise<void> {
  await page.locator('.send:not(.stop)').waitFor({ timeout: 200_000 });
}

export async function askAndWait(page: Page, text: string): Promise<string> {
  await ask(page, text);
  await settled(page);
  return answerText(page).innerText();
}

export async function openSettings(page: Page): Promise<void> {
  if (!(await page.locator('#settings').isVisible())) {
    await page.getByRole('button', { name: 'Open the settings' }).click();
  }
  await page.locator('#settings').waitFor();
}

export async function setSampling(page: Page, label: string, value: string): Promise<void> {
  await openSettings(page);
  const field = page.getByRole('textbox', { name: `${label}, value` });
  await field.fill(value);
  await field.press('Enter');
}

// Until the answer under way has this many characters.
export async function written(page: Page, characters: number): Promise<void> {
  await answerText(page).waitFor();
  await page.waitForFunction(
    (wanted) =>
      ([...document.querySelectorAll<HTMLElement>('.answer-text')].at(-1)?.innerText.length ?? 0) >=
      wanted,
    characters,
  );
}

// Short answers keep the tests quick.
export async function limitTokens(page: Page, tokens: number): Promise<void> {
  await setSampling(page, 'Most tokens', String(tokens));
}

// Answers that are the same in every run: a test never waits for a sampled answer to be long.
export async function likeliest(page: Page, tokens: number): Promise<void> {
  await setSampling(page, 'Temperature', '0');
  await limitTokens(page, tokens);
}

export async function chooseInMenu(page: Page, menu: string, item: string): Promise<void> {
  await page.getByRole('button', { name: menu, exact: true }).click();
  await page.getByRole('menuitemradio', { name: item }).click();
}
