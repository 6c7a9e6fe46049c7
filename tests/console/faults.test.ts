// What a healthy server never does, played by the mock server: refusals, broken streams
// and hostile answers.
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HOSTILE } from '../../console/dev/mock_server/replies';
import { MOCK_KEY, MockServer } from '../../console/dev/mock_server/server';
import { launchBrowser, visit, visitReady, type Visit } from './browser';
import {
  answerText,
  answers,
  ask,
  askAndWait,
  composer,
  lastAnswer,
  settled,
  written,
} from './page';
import { startMock } from './server';

let browser: Browser;
let mock: { address: string; server: MockServer };
let visited: Visit;
let page: Page;

beforeAll(async () => {
  browser = await launchBrowser();
});

afterAll(() => browser?.close());

beforeEach(async () => {
  mock = await startMock();
  visited = await visitReady(browser, mock.address);
  page = visited.page;
});

afterEach(async () => {
  // The browser reports refused requests as errors; anything else is ours.
  const ours = visited.complaints.filter((text) => !text.startsWith('Failed to load resource'));
  await visited.context.close();
  await mock.server.close();
  expect(ours).toEqual([]);
});

const failure = () => lastAnswer(page).getByRole('alert');

describe('a refusal', () => {
  it.each([
    ['!context', 'The conversation is too long for this model', 'the prompt has 9,000 tokens'],
    ['!draining', 'The server is shutting down', 'takes no new requests'],
    ['!loading', 'The model is still loading', 'the model is loading'],
    ['!error', 'The server failed', 'a page of the cache was lost'],
    ['!refused', 'The server refused a setting', 'top_k: 0 or more is wanted'],
    ['!html', 'This is not what was expected', 'A proxy in between'],
  ])('%s is explained', async (name, title, words) => {
    await ask(page, name);
    const note = await failure().innerText();
    expect(note).toContain(title);
    expect(note).toContain(words);
    expect(await composer(page).isEnabled()).toBe(true);
  });

  it('for a full queue counts down and tries again', async () => {
    await ask(page, '!busy');
    const retry = failure().getByRole('button');
    expect(await failure().innerText()).toContain('The server is busy');
    expect(await retry.innerText()).toMatch(/Try again in [12] s/);
    expect(await retry.isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Try again', exact: true }).click();
    await expect.poll(() => mock.server.requests.length).toBe(2);
    await page.getByRole('group', { name: 'Version 2 of 2' }).waitFor();
  });

  it('for want of a key asks for one and sends it', async () => {
    await ask(page, '!key');
    await failure().getByRole('button', { name: 'Enter a key' }).click();
    const dialog = page.getByRole('dialog', { name: 'API key' });
    await dialog.getByRole('textbox', { name: 'Key' }).fill(MOCK_KEY);
    await dialog.getByRole('button', { name: 'Use this key' }).click();
    await page.getByRole('button', { name: 'Try again' }).click();
    await settled(page);
    expect(await answerText(page).innerText()).toContain('A lathe turns');
    const kept = await page.evaluate(() =>
      [localStorage, sessionStorage].map((storage) => storage.getItem('lathe.apiKey')),
    );
    expect(kept).toEqual([null, MOCK_KEY]);
  });

  it('leaves the answer out of the next question', async () => {
    await ask(page, '!error');
    await failure().waitFor();
    await askAndWait(page, 'Again?');
    expect(mock.server.requests.at(-1)?.body['messages']).toEqual([
      { role: 'user', content: '!error' },
      { role: 'user', content: 'Again?' },
    ]);
  });
});

describe('a stream', () => {
  it('that is cut in the middle is marked as unfinished and keeps its text', async () => {
    await ask(page, '!cut');
    await settled(page);
    expect(await answerText(page).innerText()).toMatch(/^A lathe turns/);
    expect(await lastAnswer(page).locator('.end-note').innerText()).toBe('Unfinished');
    expect(await failure().innerText()).toContain('The answer was cut off');
    await page.reload();
    expect(await lastAnswer(page).locator('.end-note').innerText()).toBe('Unfinished');
  });

  it('that ends in an error frame shows the error and keeps its text', async () => {
    await ask(page, '!frame');
    await settled(page);
    expect(await answerText(page).innerText()).toMatch(/^A lathe turns/);
    expect(await failure().innerText()).toContain('The server failed');
  });

  it('that stalls can be stopped, which the server notices', async () => {
    await ask(page, '!stall');
    await expect.poll(() => mock.server.requests[0]?.sent).toBe(6);
    await page.keyboard.press('Escape');
    await settled(page);
    await expect.poll(() => mock.server.requests[0]?.aborted).toBe(true);
    expect(await lastAnswer(page).locator('.end-note').innerText()).toBe('Stopped');
  });

  it('whose page is reloaded is unfinished afterwards', async () => {
    await ask(page, '!slow');
    await written(page, 20);
    await page.reload();
    await lastAnswer(page).waitFor();
    expect(await lastAnswer(page).locator('.end-note').innerText()).toBe('Unfinished');
    expect(await answerText(page).innerText()).toMatch(/^A lathe/);
  });

  it('shows that it waits for the first token', async () => {
    await ask(page, '!wait');
    expect(await lastAnswer(page).innerText()).toContain('Reading the prompt…');
    await settled(page);
    expect(await lastAnswer(page).locator('[data-stat=first]').innerText()).toMatch(
      /first token [2-9]/,
    );
  });

  it('with nothing in it says so', async () => {
    await ask(page, '!empty');
    await settled(page);
    expect(await lastAnswer(page).innerText()).toContain('The model answered with nothing.');
  });

  it('with thinking folds it away when the answer comes', async () => {
    await ask(page, '!think');
    await settled(page);
    expect(await answerText(page).innerText()).toBe('Here is the answer.');
    const thinking = lastAnswer(page).locator('details');
    expect(await thinking.getAttribute('open')).toBeNull();
    await thinking.locator('summary').click();
    expect(await thinking.innerText()).toContain('The reader asks for a thought.');
  });
});

describe('a hostile answer', () => {
  it('is shown as the text that it is', async () => {
    await askAndWait(page, '!xss');
    const found = await page.evaluate(() => {
      const answer = document.querySelector('.answer-text');
      const elements = [...(answer?.querySelectorAll('*') ?? [])];
      return {
        hacked: (window as unknown as { hacked?: number }).hacked,
        tags: [...new Set(elements.map((element) => element.localName))].sort(),
        handlers: elements.flatMap((element) =>
          element.getAttributeNames().filter((name) => name.startsWith('on')),
        ),
        links: elements.flatMap((element) =>
          element instanceof HTMLAnchorElement ? [element.href] : [],
        ),
        rels: elements.flatMap((element) =>
          element instanceof HTMLAnchorElement ? [element.rel] : [],
        ),
        text: answer?.textContent ?? '',
      };
    });
    expect(found.hacked).toBeUndefined();
    for (const tag of [
      'script',
      'img',
      'iframe',
      'style',
      'b',
      'object',
      'embed',
      'form',
      'input',
      'link',
      'meta',
    ]) {
      expect(found.tags).not.toContain(tag);
    }
    expect(found.handlers).toEqual([]);
    expect(found.links).toEqual(['https://attacker.invalid/leak?secret']);
    expect(found.rels).toEqual(['noopener noreferrer nofollow']);
    for (const line of HOSTILE.split('\n').filter((text) => text.startsWith('<'))) {
      expect(found.text).toContain(line);
    }
    // Again from the history, where it is read back from storage.
    await page.reload();
    await answerText(page).waitFor();
    expect(
      await page.evaluate(() => (window as unknown as { hacked?: number }).hacked),
    ).toBeUndefined();
  });

  it('cannot hide in a title either', async () => {
    await askAndWait(page, '<img src=x onerror=window.hacked=1>');
    expect(await page.locator('.history-row img, h1 img, .question-text img').count()).toBe(0);
    expect(await page.locator('h1').innerText()).toBe('<img src=x onerror=window.hacked=1>');
  });
});

describe('a server that wants a key for everything', () => {
  it('is usable once it has one', async () => {
    const locked = await startMock({ keyWanted: true });
    const { context, page: lockedPage } = await visit(browser, locked.address);
    await lockedPage.getByText('The server wants an API key').waitFor();
    expect(await lockedPage.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
    await lockedPage.getByRole('button', { name: 'Enter a key' }).click();
    const dialog = lockedPage.getByRole('dialog', { name: 'API key' });
    await dialog.getByRole('textbox', { name: 'Key' }).fill(MOCK_KEY);
    await dialog.getByRole('checkbox', { name: 'Keep it in this browser' }).check();
    await dialog.getByRole('textbox', { name: 'Key' }).press('Enter');
    await lockedPage.getByText('134.5M parameters').waitFor();
    expect(await askAndWait(lockedPage, 'Hello')).toContain('A lathe turns');
    await lockedPage.reload();
    await lockedPage.getByText('8,192').waitFor();
    await context.close();
    await locked.server.close();
  });
});

describe('a server that goes away', () => {
  it('is noticed, and so is its return', async () => {
    const port = Number(new URL(mock.address).port);
    await mock.server.close();
    await ask(page, 'Anybody there?');
    expect(await failure().innerText()).toContain('The server does not answer');
    await page.locator('.server-dot.offline').waitFor();
    mock.server = new MockServer({
      dist: process.env['LATHE_CONSOLE_DIST'],
      tokenMs: 5,
    });
    await mock.server.listen(port);
    await page.locator('.server-dot.ready').waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await settled(page);
    expect(await answerText(page).innerText()).toContain('A lathe turns');
  });

  it('for maintenance is shown as not ready', async () => {
    mock.server.healthStatus = 503;
    await ask(page, '!draining');
    await page.locator('.server-dot.not_ready').waitFor();
    expect(await failure().innerText()).toContain('The server is shutting down');
  });
});

describe('a browser without room', () => {
  it('says that new messages are not kept', async () => {
    await page.evaluate(() => {
      const filler = 'x'.repeat(1 << 20);
      try {
        for (let index = 0; ; index += 1) localStorage.setItem(`filler${index}`, filler);
      } catch {
        try {
          for (let index = 0; ; index += 1) localStorage.setItem(`small${index}`, 'x'.repeat(1000));
        } catch {
          // Full, as the test wants it.
        }
      }
    });
    await askAndWait(page, `Hello ${'again '.repeat(400)}`);
    await page.getByText('The browser’s storage is full').waitFor();
    expect(await answers(page).count()).toBe(1);
  });
});
