// The console without a mouse, on the real server.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { consoleUnderTest } from './fixture';
import { answerText, answers, composer, likeliest, openSettings, settled, written } from './page';

const { visit } = consoleUnderTest();

describe('the keyboard alone', () => {
  const focused = (page: Page) =>
    page.evaluate(() => {
      const element = document.activeElement;
      return element?.getAttribute('aria-label') ?? element?.textContent?.trim() ?? '';
    });

  it('asks, stops, regenerates, edits and copies', () =>
    visit(async (page) => {
      const keys = page.keyboard;
      await likeliest(page, 2000);
      await page.reload(); // the focus as at a first visit
      await expect.poll(() => focused(page)).toBe('Message');
      await keys.type('Write a long story');
      await keys.press('Shift+Enter');
      await keys.type('about wood.');
      expect(await composer(page).inputValue()).toBe('Write a long story\nabout wood.');
      await keys.press('Enter');
      await page.locator('.send.stop').waitFor();
      await keys.press('Escape');
      await settled(page);
      await expect.poll(() => focused(page)).toBe('Message');

      await keys.press('ArrowUp');
      await page.getByRole('textbox', { name: 'Edit message' }).waitFor();
      await keys.press('Escape');
      await expect.poll(() => focused(page)).toBe('Message');

      await keys.press('Shift+Tab'); // out of the field, to where single keys work
      await keys.press('r');
      await page.locator('.send.stop').waitFor();
      await written(page, 20);
      await keys.press('Escape');
      await settled(page);
      await keys.press('Shift+Tab');
      await keys.press('c');
      const answer = await answerText(page).innerText();
      await expect
        .poll(() => page.evaluate(() => navigator.clipboard.readText()))
        .toContain(answer.slice(0, 8));
      await keys.press('/');
      await expect.poll(() => focused(page)).toBe('Message');
    }));

  it('moves between pages, panels and dialogs, and back', () =>
    visit(async (page) => {
      const keys = page.keyboard;
      await keys.press('Shift+Tab');
      await keys.press('?');
      await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
      await expect.poll(() => focused(page)).toBe('Close');
      await keys.press('Escape');
      expect(await page.getByRole('dialog').count()).toBe(0);
      await keys.press('m');
      await page.getByRole('heading', { level: 1 }).waitFor();
      expect(await page.title()).toBe('Model · Lathe');
      await keys.press('h');
      await composer(page).waitFor();
      await keys.press('Shift+Tab');
      await keys.press('s');
      await page.locator('#settings').waitFor();
      for (let presses = 0; presses < 40 && (await focused(page)) !== 'Temperature'; presses += 1) {
        await keys.press('Tab');
      }
      await keys.press('ArrowRight');
      expect(await page.getByRole('textbox', { name: 'Temperature, value' }).inputValue()).toBe(
        '1.05',
      );
      await keys.press('b');
      expect(await page.locator('#sidebar').count()).toBe(0);
      await keys.press('b');
      await keys.press('n');
      await expect.poll(() => focused(page)).toBe('Message');
    }));

  it('opens menus and walks through them', () =>
    visit(async (page) => {
      await page.getByRole('button', { name: 'Appearance' }).focus();
      await page.keyboard.press('Enter');
      await expect.poll(() => focused(page)).toBe('As the system');
      await page.keyboard.press('ArrowUp');
      await expect.poll(() => focused(page)).toBe('Dark');
      await page.keyboard.press('l');
      await expect.poll(() => focused(page)).toBe('Light');
      await page.keyboard.press('Escape');
      await expect.poll(() => focused(page)).toBe('Appearance');
    }));

  it('can turn single keys off', () =>
    visit(async (page) => {
      await page.getByRole('button', { name: 'Keyboard' }).click();
      await page.getByRole('checkbox', { name: 'Single-key shortcuts' }).uncheck();
      await page.keyboard.press('Escape');
      await page.keyboard.press('m');
      expect(await page.title()).toBe('Lathe');
    }));

  it('shows where the focus is, everywhere', () =>
    visit(async (page) => {
      await openSettings(page);
      await page.getByRole('link', { name: 'Lathe' }).focus();
      const unmarked: string[] = [];
      for (let presses = 0; presses < 50; presses += 1) {
        await page.keyboard.press('Tab');
        const mark = await page.evaluate(() => {
          const element = document.activeElement;
          if (!element || element === document.body) return '';
          const looks = [element, element.closest('.composer'), element.closest('label')].flatMap(
            (place) => (place ? [getComputedStyle(place)] : []),
          );
          const marked = looks.some(
            ({ outlineStyle, boxShadow }) => outlineStyle !== 'none' || boxShadow !== 'none',
          );
          return marked ? '' : element.outerHTML.slice(0, 120);
        });
        if (mark) unmarked.push(mark);
      }
      expect(unmarked).toEqual([]);
    }));

  it('does not send while an input method composes', () =>
    visit(async (page) => {
      await composer(page).fill('nihao');
      for (const init of [{ isComposing: true }, { keyCode: 229 }]) {
        await page.evaluate((extra) => {
          const event = new KeyboardEvent('keydown', {
            key: 'Enter',
            bubbles: true,
            cancelable: true,
            ...extra,
          });
          document.getElementById('composer')?.dispatchEvent(event);
        }, init);
      }
      expect(await answers(page).count()).toBe(0);
      expect(await composer(page).inputValue()).toBe('nihao');
    }));
});
