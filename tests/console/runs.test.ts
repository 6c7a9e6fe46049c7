// The pages of runs as their readers use them, on the real server and a real run.
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { consoleUnderTest } from './fixture';
import { CHANGED, CHOICE, DOCUMENTS, REAL, REPORT, RunsFolder, serveRuns } from './runs_folder';

const folder = new RunsFolder();
const { address, visit } = consoleUnderTest(() => serveRuns(folder));

const row = (page: Page, run: string) => page.locator(`[data-run="${run}"]`);

async function openRuns(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Runs', exact: true }).click();
  await row(page, REAL).waitFor();
}

async function openRun(page: Page, run: string): Promise<void> {
  await page.evaluate((id) => {
    location.hash = `#/runs/${encodeURIComponent(id)}`;
  }, run);
  await page.locator('.model-hero h1').waitFor();
}

const places = (value: number) => value.toFixed(3);

describe('the list of runs', () => {
  it('shows each with its kind, state and scores, and leads to it', () =>
    visit(async (page) => {
      await openRuns(page);
      const acc = folder.json(REAL, 'results.json').results.arc_easy_local['acc,none'];
      const shown = await row(page, REAL).innerText();
      expect(shown).toContain('Evaluation');
      expect(shown).toContain('Done');
      expect(shown).toContain('smollm2-135m');
      expect(shown).toContain(places(acc));
      expect(await row(page, REPORT).innerText()).toContain('Quantization report');
      expect(await row(page, CHOICE).innerText()).toContain('Questions of customers');
      await row(page, REAL).getByRole('link').click();
      await page.getByRole('heading', { name: REAL }).waitFor();
      await page.goBack();
      await row(page, REAL).waitFor();
    }));

  it('follows a run that goes on without being asked', () =>
    visit(async (page) => {
      folder.writeProgress('live-list', 'running', 2);
      await openRuns(page);
      const live = row(page, 'live-list');
      await expect.poll(() => live.innerText()).toContain('Running');
      expect(await live.innerText()).toContain(`2 of ${DOCUMENTS} · 45 s left`);
      folder.writeProgress('live-list', 'running', 5);
      await expect.poll(() => live.innerText()).toContain(`5 of ${DOCUMENTS}`);
      folder.writeProgress('live-list', 'stopped', 5);
      await expect.poll(() => live.innerText()).toContain('Stopped');
      await expect.poll(() => live.getByRole('progressbar').count()).toBe(0);
    }));

  it('says which commands make a run where there is none', () =>
    visit(async (page) => {
      await page.route('**/v1/runs', (route) =>
        route.fulfill({ json: { object: 'list', folder: '/home/me/runs', data: [] } }),
      );
      await page.getByRole('link', { name: 'Runs', exact: true }).click();
      const empty = page.getByRole('region', { name: 'No runs yet' });
      await empty.waitFor();
      const text = await empty.innerText();
      for (const words of ['/home/me/runs', 'lathe eval', 'lathe quantize', 'lathe choose'])
        expect(text).toContain(words);
    }));
});

describe('an evaluation', () => {
  it('shows its scores with their errors and how it was asked', () =>
    visit(async (page) => {
      await openRun(page, REAL);
      const scores = folder.json(REAL, 'results.json').results.arc_easy_local;
      const table = await page.getByRole('region', { name: 'Scores' }).innerText();
      for (const metric of ['acc', 'acc_norm']) {
        expect(table).toContain(places(scores[`${metric},none`]));
        expect(table).toContain(`± ${places(scores[`${metric}_stderr,none`])}`);
      }
      const plots = page.getByRole('region', { name: 'Scores' }).getByRole('img');
      expect(await plots.first().getAttribute('aria-label')).toMatch(/95 % interval from/);
      const configuration = await page.getByRole('region', { name: 'Configuration' }).innerText();
      expect(configuration).toContain('model_args.activations');
      expect(configuration).toContain('f32');
    }));

  it('shows its samples, by outcome, by text and one by one', () =>
    visit(async (page) => {
      await openRun(page, REAL);
      const samples = folder.samples(REAL);
      const right = samples.filter(({ acc }) => acc === 1);
      const list = page.locator('.sample-list > li');
      await expect.poll(() => list.count()).toBe(DOCUMENTS);
      await page.getByText(/^Right\s*\d/).click();
      await expect.poll(() => list.count()).toBe(right.length);
      await page.getByText(/^All\s*\d/).click();
      await expect.poll(() => list.count()).toBe(DOCUMENTS);

      const [question = ''] = samples[3]?.arguments.gen_args_0.arg_0.split('\n') ?? [];
      await page.getByRole('searchbox').fill(question.toUpperCase());
      await expect.poll(() => list.count()).toBe(1);
      // By keyboard: the summary takes the focus and opens.
      await list.locator('summary').focus();
      await page.keyboard.press('Enter');
      const body = list.locator('.sample-body');
      await expect.poll(() => body.isVisible()).toBe(true);
      const text = await body.innerText();
      expect(text).toContain(question.trim());
      expect(text).toContain('target');
      expect(text).toMatch(/acc [01]\.000/);
      await page.getByRole('searchbox').fill('nothing has these words');
      await page.getByText('No sample is like that.').waitFor();
    }));

  it('that goes on is followed to its end', () =>
    visit(async (page) => {
      folder.writeProgress('live-page', 'running', 1);
      await openRun(page, 'live-page');
      await page.getByText(`1 of ${DOCUMENTS} · 45 s left`).waitFor();
      folder.writeProgress('live-page', 'running', 6);
      await page.getByText(`6 of ${DOCUMENTS} · 45 s left`).waitFor();
      for (const file of ['results.json'])
        folder.write('live-page', file, folder.json(REAL, file) as object);
      folder.writeProgress('live-page', 'done', DOCUMENTS);
      await page.getByRole('region', { name: 'Scores' }).waitFor();
      expect(await page.locator('.chips').innerText()).toContain('Done');
    }));

  it('that was interrupted says how to go on', () =>
    visit(async (page) => {
      folder.write('half', 'journal.jsonl', '{"check": "half');
      await openRun(page, 'half');
      await page.getByText('Interrupted').first().waitFor();
      expect(await page.locator('.commands').innerText()).toContain('--output');
    }));
});

describe('a comparison', () => {
  it('shows what differs, what may be concluded and which documents changed', () =>
    visit(async (page) => {
      await openRun(page, REAL);
      await page.getByRole('link', { name: 'Compare with another run' }).click();
      await page.getByLabel('Candidate (B)').selectOption(CHANGED);
      const table = page.getByRole('region', { name: 'Difference' });
      await table.waitFor();
      const sign = folder.samples(REAL)[0]?.acc === 1 ? '-' : '+';
      expect(await table.innerText()).toContain(`${sign}${places(1 / DOCUMENTS)}`);
      const conclusions = await page
        .getByRole('region', { name: 'What may be concluded' })
        .innerText();
      expect(conclusions).toContain(`acc: ${DOCUMENTS} documents do not tell A and B apart.`);
      expect(conclusions).toContain('acc_norm: A and B have the same score');
      const changed = page.getByRole('region', { name: 'Changed documents' });
      expect(await changed.locator('li').count()).toBe(1);
      await changed.locator('summary').click();
      expect(await changed.innerText()).toContain('Answer of B');

      await page.getByRole('button', { name: 'Swap A and B' }).click();
      const other = sign === '-' ? '+' : '-';
      await expect.poll(() => table.innerText()).toContain(`${other}${places(1 / DOCUMENTS)}`);
      expect(page.url()).toContain(`#/compare/${CHANGED}/${REAL}`);
    }));
});

describe('reports', () => {
  it('of precisions have a table, a curve and their own page, which may do nothing', () =>
    visit(async (page) => {
      await openRun(page, REPORT);
      const table = await page.getByRole('region', { name: 'Table' }).innerText();
      for (const words of ['Q8_0', 'Q4_K_M', '138 MiB', '98.7', '12.35', '98.7%'])
        expect(table).toContain(words);
      const curve = page.getByRole('region', { name: 'Divergence against size' });
      expect(await curve.getByRole('img').count()).toBe(2);
      const link = page.getByRole('link', { name: 'Open the report' });
      const href = (await link.getAttribute('href')) ?? '';
      const response = await page.request.get(new URL(href, address()).href);
      expect(response.headers()['content-security-policy']).toContain("default-src 'none'");
      const [opened] = await Promise.all([page.context().waitForEvent('page'), link.click()]);
      await opened.getByRole('heading', { name: 'The report itself' }).waitFor();
    }));

  it('of the chooser have the recommendation, the ranking and what would change it', () =>
    visit(async (page) => {
      await openRun(page, CHOICE);
      await page.getByText('small-q8 is recommended.').waitFor();
      const ranking = await page.getByRole('region', { name: 'Ranking', exact: true }).innerText();
      expect(ranking).toContain('breaks a limit: Memory, GiB');
      expect(ranking).toContain('not told apart from the recommended one');
      expect(
        await page.getByRole('region', { name: 'What would change it' }).innerText(),
      ).toContain('With the limit relaxed to 1.5 (Memory, GiB) it would be large-q4.');
      expect(await page.getByRole('region', { name: 'Not in the ranking' }).innerText()).toContain(
        'huge',
      );
    }));
});

describe('the pages of runs', () => {
  it('are there in Chinese', () =>
    visit(
      async (page) => {
        await page.getByRole('link', { name: '运行', exact: true }).click();
        await expect.poll(() => row(page, REAL).innerText()).toContain('已完成');
        await row(page, REAL).getByRole('link').click();
        await page.getByRole('region', { name: '得分' }).waitFor();
        await page.getByRole('link', { name: '与另一个运行比较' }).click();
        await page.getByLabel('候选（B）').selectOption(CHANGED);
        const conclusions = page.getByRole('region', { name: '可以得出的结论' });
        await conclusions.waitFor();
        expect(await conclusions.innerText()).toContain('不足以区分 A 与 B');
      },
      { locale: 'zh-CN' },
    ));

  it('fit on a phone', () =>
    visit(
      async (page) => {
        for (const hash of [
          '#/runs',
          `#/runs/${REAL}`,
          `#/compare/${REAL}/${CHANGED}`,
          `#/runs/${REPORT}`,
          `#/runs/${CHOICE}`,
        ]) {
          await page.evaluate((to) => {
            location.hash = to;
          }, hash);
          await page.locator('.run-row, .type-table').first().waitFor();
          const width = await page.evaluate(() => {
            const scroller = document.querySelector('.model-scroll');
            return Math.max(document.documentElement.scrollWidth, scroller?.scrollWidth ?? 0);
          });
          expect(width, hash).toBeLessThanOrEqual(390);
        }
      },
      { viewport: { width: 390, height: 844 } },
    ));

  it('are reached by a key', () =>
    visit(async (page) => {
      await page.keyboard.press('Shift+Tab'); // out of the message field
      await page.keyboard.press('u');
      await page.getByRole('heading', { name: 'Runs' }).waitFor();
    }));
});
