// The console as its readers use it, on the real server.
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { consoleUnderTest } from './fixture';
import {
  answerText,
  answers,
  ask,
  askAndWait,
  chooseInMenu,
  composer,
  lastAnswer,
  likeliest,
  limitTokens,
  openSettings,
  setSampling,
  settled,
  written,
} from './page';

const { address, visit } = consoleUnderTest();

// The likeliest answer to it has some 2,000 tokens, with every kernel.
const LONG = '!slow Write a very long story about a lathe, with many chapters.';

describe('an answer', () => {
  it('streams in and ends with its numbers', () =>
    visit(async (page) => {
      await likeliest(page, 64);
      await page.evaluate(() => {
        const lengths = new Set<number>();
        Object.assign(window, { lengths });
        new MutationObserver(() => {
          lengths.add(document.querySelector('.answer-text')?.textContent?.length ?? 0);
        }).observe(document.body, { characterData: true, childList: true, subtree: true });
      });
      await askAndWait(page, 'Tell me about lathes.');
      const lengths = await page.evaluate(() => {
        return (window as unknown as { lengths: Set<number> }).lengths.size;
      });
      expect(lengths).toBeGreaterThan(2);
      expect((await answerText(page).innerText()).length).toBeGreaterThan(10);
      const stats = lastAnswer(page).locator('.stats-line');
      await expect
        .poll(() => stats.locator('[data-stat=tokens]').innerText())
        .toMatch(/^\d+ tokens?$/);
      expect(await stats.locator('[data-stat=speed]').innerText()).toMatch(/^[\d.,]+ tokens\/s$/);
      expect(await stats.locator('[data-stat=first]').innerText()).toMatch(
        /^first token [\d.]+ s$/,
      );
      expect(await stats.locator('[data-stat=prompt]').innerText()).toMatch(/^prompt \d+$/);
      expect(await page.locator('.context-meter').innerText()).toMatch(/^\d+ \/ [\d,]+$/);
    }));

  it('shows its speed while it comes', () =>
    visit(async (page) => {
      await likeliest(page, 200);
      await ask(page, LONG);
      const live = lastAnswer(page).locator('.live-strip');
      await expect.poll(() => live.innerText()).toMatch(/tokens\/s\s+first token [\d.]+ s/);
      await page.keyboard.press('Escape');
      await settled(page);
    }));

  it('stops when it is told to, and the server stops too', () =>
    visit(async (page) => {
      await likeliest(page, 2000);
      await ask(page, LONG);
      await written(page, 20);
      await page.getByRole('button', { name: 'Stop' }).click();
      await settled(page);
      const stopped = await answerText(page).innerText();
      expect(await lastAnswer(page).locator('.end-note').innerText()).toBe('Stopped');
      await expect.poll(() => runningRequests(page)).toBe(0);
      await page.waitForTimeout(500);
      expect(await answerText(page).innerText()).toBe(stopped);
      // The conversation goes on from there.
      await likeliest(page, 8);
      expect((await askAndWait(page, 'Go on.')).length).toBeGreaterThan(0);
    }));

  it('stays in sight while it comes, unless the reader looks up', () =>
    visit(
      async (page) => {
        await likeliest(page, 2000);
        await page.keyboard.press('Escape'); // the settings lie over a page this narrow
        await ask(page, LONG);
        await page.waitForFunction(() => {
          const scroller = document.querySelector('.messages-scroll');
          return scroller !== null && scroller.scrollHeight > scroller.clientHeight + 60;
        });
        const fromEnd = () =>
          page.locator('.messages-scroll').evaluate((scroller) => {
            return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
          });
        expect(await fromEnd()).toBeLessThan(3);
        await page.locator('.messages-scroll').hover();
        await page.mouse.wheel(0, -2000);
        await page.getByRole('button', { name: 'To the latest' }).waitFor();
        await page.waitForTimeout(300);
        expect(await fromEnd()).toBeGreaterThan(20);
        await page.getByRole('button', { name: 'To the latest' }).click();
        await expect.poll(fromEnd).toBeLessThan(3);
        await page.keyboard.press('Escape');
        await settled(page);
      },
      { viewport: { width: 900, height: 420 } },
    ));

  it('can be had again, and the first one stays', () =>
    visit(async (page) => {
      await likeliest(page, 16);
      const first = await askAndWait(page, 'Name a tree.');
      await lastAnswer(page).getByRole('button', { name: 'Answer again' }).click();
      await settled(page);
      expect(await answers(page).count()).toBe(1);
      const versions = lastAnswer(page).getByRole('group', {
        name: 'Version 2 of 2',
      });
      await versions.getByRole('button', { name: 'Earlier version' }).click();
      expect(await answerText(page).innerText()).toBe(first);
      await lastAnswer(page).getByRole('button', { name: 'Later version' }).click();
      await lastAnswer(page).getByRole('group', { name: 'Version 2 of 2' }).waitFor();
    }));

  it('is the same for the same seed', () =>
    visit(async (page) => {
      await likeliest(page, 20);
      await setSampling(page, 'Temperature', '0.9');
      await setSampling(page, 'Seed', '7');
      const first = await askAndWait(page, 'Tell me something new.');
      await lastAnswer(page).getByRole('button', { name: 'Answer again' }).click();
      await settled(page);
      expect(await answerText(page).innerText()).toBe(first);
    }));

  it('follows an edited question', () =>
    visit(async (page) => {
      await likeliest(page, 8);
      await askAndWait(page, 'One?');
      await askAndWait(page, 'Two?');
      await page.locator('.message.question').first().hover();
      await page.getByRole('button', { name: 'Edit', exact: true }).first().click();
      const field = page.getByRole('textbox', { name: 'Edit message' });
      await field.fill('Three?');
      await field.press('Enter');
      await settled(page);
      expect(await page.locator('.question-text').allInnerTexts()).toEqual(['Three?']);
      await page.getByRole('button', { name: 'Earlier version' }).click();
      expect(await page.locator('.question-text').allInnerTexts()).toEqual(['One?', 'Two?']);
    }));

  it('can be copied', () =>
    visit(async (page) => {
      await likeliest(page, 12);
      const text = await askAndWait(page, 'Say something plain.');
      await lastAnswer(page).getByRole('button', { name: 'Copy', exact: true }).click();
      await lastAnswer(page).getByRole('button', { name: 'Copied' }).waitFor();
      const copied = await page.evaluate(() => navigator.clipboard.readText());
      expect(copied.replaceAll(/[\s*`#]+/g, '')).toBe(text.replaceAll(/[\s*`#]+/g, ''));
    }));

  it('says so when it reaches the limit of tokens', () =>
    visit(async (page) => {
      await likeliest(page, 5);
      await askAndWait(page, 'Write a long story.');
      expect(await lastAnswer(page).locator('.end-note').innerText()).toBe(
        'Reached the limit of tokens',
      );
      expect(await lastAnswer(page).locator('[data-stat=tokens]').innerText()).toBe('5 tokens');
    }));
});

describe('the settings', () => {
  it('go to the server only where they are set, and can be reset', () =>
    visit(async (page) => {
      const bodies: Record<string, unknown>[] = [];
      page.on('request', (request) => {
        if (request.method() === 'POST')
          bodies.push(request.postDataJSON() as Record<string, unknown>);
      });
      const values: [string, string, string, number][] = [
        ['Temperature', '0,7', 'temperature', 0.7],
        ['Top p', '0.9', 'top_p', 0.9],
        ['Top k', '40', 'top_k', 40],
        ['Min p', '0.05', 'min_p', 0.05],
        ['Most tokens', '6', 'max_tokens', 6],
        ['Seed', '11', 'seed', 11],
        ['Repetition penalty', '1.1', 'repetition_penalty', 1.1],
        ['Frequency penalty', '0.2', 'frequency_penalty', 0.2],
        ['Presence penalty', '99', 'presence_penalty', 2],
      ];
      for (const [label, typed] of values) await setSampling(page, label, typed);
      await page.locator('.system-prompt').fill('You answer in one word.');
      await askAndWait(page, 'Hello?');
      expect(bodies[0]).toMatchObject(
        Object.fromEntries(values.map(([, , name, value]) => [name, value])),
      );
      expect(bodies[0]?.['messages']).toEqual([
        { role: 'system', content: 'You answer in one word.' },
        { role: 'user', content: 'Hello?' },
      ]);
      await page.getByRole('button', { name: 'Reset Temperature' }).click();
      expect(await page.getByRole('textbox', { name: 'Temperature, value' }).inputValue()).toBe('');
      await page.getByRole('button', { name: 'Reset all' }).click();
      await limitTokens(page, 4);
      await askAndWait(page, 'And now?');
      expect(Object.keys(bodies[1] ?? {}).sort()).toEqual([
        'max_tokens',
        'messages',
        'model',
        'stream',
        'stream_options',
      ]);
    }));

  it('explain themselves', () =>
    visit(async (page) => {
      await openSettings(page);
      const help = page.getByText('How much chance has a say.');
      expect(await help.isVisible()).toBe(false);
      await page.getByRole('button', { name: 'What is Temperature?' }).click();
      expect(await help.isVisible()).toBe(true);
    }));
});

describe('the history', () => {
  it('survives a reload, is renamed, removed, restored and exported', () =>
    visit(async (page) => {
      await likeliest(page, 6);
      const text = await askAndWait(page, 'Remember this question');
      await page.getByRole('button', { name: 'New conversation' }).click();
      await askAndWait(page, 'And this one');
      await page.reload();
      const rows = page.locator('.history-row');
      expect(await rows.locator('a').allInnerTexts()).toEqual([
        'And this one',
        'Remember this question',
      ]);
      await page.getByRole('link', { name: 'Remember this question' }).click();
      expect(await answerText(page).innerText()).toBe(text);

      const menu = async (title: string, item: string) => {
        await rows.filter({ hasText: title }).hover();
        await page.getByRole('button', { name: `Actions for “${title}”` }).click();
        await page.getByRole('menuitem', { name: item }).click();
      };
      await menu('Remember this question', 'Rename');
      const field = page.getByRole('textbox', { name: 'Title' });
      await field.fill('Kept');
      await field.press('Enter');
      await menu('Kept', 'Delete');
      expect(await rows.count()).toBe(1);
      await page.getByRole('button', { name: 'Undo' }).click();
      await page.getByRole('link', { name: 'Kept' }).waitFor();
      expect(await answerText(page).innerText()).toBe(text);

      const download = page.waitForEvent('download');
      await menu('Kept', 'Export as JSON');
      const file = await (await download).path();
      const exported = JSON.parse(readFileSync(file, 'utf8'));
      expect(exported.conversations).toHaveLength(1);
      expect(
        exported.conversations[0].messages.map((message: { role: string }) => message.role),
      ).toEqual(['user', 'assistant']);

      await page.getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: 'Delete all…' }).click();
      await page.getByRole('button', { name: 'Delete all', exact: true }).click();
      expect(await rows.count()).toBe(0);
    }));

  it('lets a conversation go on answering while another is open', () =>
    visit(async (page) => {
      await likeliest(page, 300);
      await ask(page, LONG);
      await page.getByRole('button', { name: 'New conversation' }).click();
      await likeliest(page, 6);
      await askAndWait(page, 'Quick one');
      await page.locator('.history-row').last().locator('a').click();
      expect((await lastAnswer(page).innerText()).length).toBeGreaterThan(10);
      await page.keyboard.press('Escape');
      await settled(page);
    }));
});

describe('languages', () => {
  it('switch at once and stay after a reload', () =>
    visit(async (page) => {
      expect(await page.locator('html').getAttribute('lang')).toBe('en');
      await chooseInMenu(page, 'Language', '简体中文');
      expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
      expect(await composer(page).getAttribute('placeholder')).toBe('写一条消息');
      await page.reload();
      await page.getByRole('button', { name: '新对话' }).waitFor();
      await chooseInMenu(page, '语言', 'English');
      await page.getByRole('button', { name: 'New conversation' }).waitFor();
    }));

  it('begin with the browser’s', () =>
    visit(
      async (page) => {
        expect(await composer(page).getAttribute('placeholder')).toBe('写一条消息');
        await composer(page).fill('你好！');
        await composer(page).press('Enter');
        await page.getByRole('article', { name: '回答' }).waitFor();
        await page.keyboard.press('Escape');
        await settled(page);
      },
      { locale: 'zh-CN' },
    ));
});

describe('light and dark', () => {
  const brightness = (page: Page) =>
    page.evaluate(() => {
      const probe = document.createElement('canvas').getContext('2d');
      if (!probe) throw new Error('no canvas');
      probe.fillStyle = getComputedStyle(document.body).backgroundColor;
      probe.fillRect(0, 0, 1, 1);
      return Math.max(...probe.getImageData(0, 0, 1, 1).data.slice(0, 3));
    });

  it('follow the system until one is chosen, which stays', () =>
    visit(
      async (page) => {
        expect(await brightness(page)).toBeLessThan(60);
        await page.emulateMedia({ colorScheme: 'light' });
        expect(await brightness(page)).toBeGreaterThan(200);
        await chooseInMenu(page, 'Appearance', 'Dark');
        expect(await brightness(page)).toBeLessThan(60);
        await page.reload();
        await expect.poll(() => brightness(page)).toBeLessThan(60);
        await chooseInMenu(page, 'Appearance', 'Light');
        await page.emulateMedia({ colorScheme: 'dark' });
        expect(await brightness(page)).toBeGreaterThan(200);
      },
      { colorScheme: 'dark' },
    ));
});

describe('the model page', () => {
  it('shows the facts that the server gives', () =>
    visit(async (page) => {
      const models = await page.evaluate(() =>
        fetch('/v1/models').then((response) => response.json()),
      );
      const facts = await page.evaluate(
        (id) => fetch(`/v1/models/${id}/facts`).then((response) => response.json()),
        models.data[0].id as string,
      );
      await page.getByRole('link', { name: 'Model', exact: true }).click();
      expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe(models.data[0].id);
      const whole = new Intl.NumberFormat('en');
      const main = await page.getByRole('main').innerText();
      for (const number of [
        facts.context_length,
        facts.layers,
        facts.width,
        facts.feed_forward_width,
        facts.vocab_size,
        facts.tensor_count,
        facts.rope.base,
      ]) {
        expect(main).toContain(whole.format(number));
      }
      expect(await page.locator('.type-table tbody tr').count()).toBe(facts.types.length);
      for (const { type } of facts.types) expect(main).toContain(type);
      expect(main).toContain(facts.name);
      expect(main).toContain(facts.tokenizer.description);
      expect(main).toContain(
        `${facts.heads} query heads share ${facts.kv_heads} key and value heads`,
      );
      await page.getByText('All facts as JSON').click();
      expect(JSON.parse(await page.locator('.raw pre').innerText())).toEqual(facts);
    }));

  it('calculates the memory of conversations', () =>
    visit(async (page) => {
      const facts = await page.evaluate(async () => {
        const models = await fetch('/v1/models').then((response) => response.json());
        return fetch(`/v1/models/${models.data[0].id}/facts`).then((response) => response.json());
      });
      await page.getByRole('link', { name: 'Model', exact: true }).click();
      await page.getByRole('slider', { name: 'Tokens in each conversation' }).press('Home');
      const users = page.getByRole('slider', {
        name: 'Conversations at the same time',
      });
      await users.press('Home');
      for (let presses = 0; presses < 7; presses += 1) await users.press('ArrowRight');
      const mebibytes = (bytes: number) =>
        `${new Intl.NumberFormat('en', { maximumSignificantDigits: 3 }).format(bytes / 2 ** 20)} MiB`;
      const sums = page.locator('.memory-sums');
      expect(await sums.innerText()).toContain(
        mebibytes(facts.memory.kv_bytes_per_token_f16 * 256 * 8),
      );
      await page.getByRole('radio', { name: 'F32' }).check();
      const f32 = facts.memory.kv_bytes_per_token_f32 * 256 * 8;
      expect(await sums.innerText()).toContain(mebibytes(f32));
      expect(await page.locator('.memory-total').innerText()).toBe(
        mebibytes(f32 + facts.memory.weight_bytes),
      );
    }));
});

describe('a phone', () => {
  const phone = {
    viewport: { width: 360, height: 720 },
    hasTouch: true,
    isMobile: true,
  };

  it('holds every page without scrolling sideways', () =>
    visit(async (page) => {
      const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      await limitTokensOnPhone(page, 12);
      await composer(page).fill('Tell me about the lathe in Markdown.');
      await page.getByRole('button', { name: 'Send' }).tap();
      await settled(page);
      expect(await overflow()).toBeLessThanOrEqual(0);
      await page.getByRole('button', { name: 'Open the sidebar' }).tap();
      await page.getByRole('link', { name: 'Model', exact: true }).tap();
      await page.locator('.type-table').waitFor();
      expect(await page.locator('#sidebar').count()).toBe(0);
      expect(await overflow()).toBeLessThanOrEqual(0);
    }, phone));

  async function limitTokensOnPhone(page: Page, tokens: number) {
    await likeliest(page, tokens);
    await page.keyboard.press('Escape');
    expect(await page.locator('#settings').count()).toBe(0);
  }
});

describe('the page', () => {
  it('comes under a strict policy and is cached by its hashes', async () => {
    const page = await fetch(address());
    const html = await page.text();
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(page.headers.get('content-security-policy')).not.toContain('unsafe');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    for (const [, path] of html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)) {
      const asset = await fetch(address() + path);
      expect(asset.status).toBe(200);
      expect(asset.headers.get('cache-control')).toContain('immutable');
    }
  });

  it('gives every control a name', () =>
    visit(async (page) => {
      await limitTokens(page, 4);
      await askAndWait(page, 'Hi');
      for (const open of ['', '#/model']) {
        if (open) await page.getByRole('link', { name: 'Model', exact: true }).click();
        const nameless = await page.evaluate(() =>
          [
            ...document.querySelectorAll<HTMLElement>(
              'button, a, input, textarea, select, [role=img], summary',
            ),
          ]
            .filter((element) => {
              const labels =
                'labels' in element ? [...((element as HTMLInputElement).labels ?? [])] : [];
              const texts = [
                element.getAttribute('aria-label'),
                element.textContent,
                ...labels.map((label) => label.textContent),
              ];
              return !texts.some((text) => text?.trim());
            })
            .map((element) => element.outerHTML.slice(0, 120)),
        );
        expect(nameless).toEqual([]);
      }
    }));

  it('tells screen readers when an answer begins and ends, not every word', () =>
    visit(async (page) => {
      await page.evaluate(() => {
        const said: string[] = [];
        Object.assign(window, { said });
        for (const region of document.querySelectorAll(
          '[aria-live], [role=status], [role=alert]',
        )) {
          new MutationObserver(() => said.push(region.textContent ?? '')).observe(region, {
            characterData: true,
            childList: true,
            subtree: true,
          });
        }
      });
      await likeliest(page, 20);
      await askAndWait(page, 'Hello');
      const said = () => page.evaluate(() => (window as unknown as { said: string[] }).said);
      await expect.poll(said).toHaveLength(2);
      expect(await said()).toEqual([
        'The model is answering.',
        expect.stringMatching(/^The answer is complete: \d+ tokens?\.$/),
      ]);
    }));
});

// Answers that the server is working on, by its own metrics; a server without metrics (the
// mock) is taken at its word.
async function runningRequests(page: Page): Promise<number> {
  const text = await page.evaluate(() =>
    fetch('/metrics').then(
      (response) => (response.ok ? response.text() : ''),
      () => '',
    ),
  );
  return Number(/^vllm:num_requests_running\S* (\S+)/m.exec(text)?.[1] ?? 0);
}
