// One server and one browser for the tests of a file.
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import { launchBrowser, visitReady } from './browser';
import { startServer, type ServerUnderTest } from './server';

export interface ConsoleUnderTest {
  address: () => string;
  // Runs `use` on a fresh visit; the browser must have nothing to complain of.
  visit: (use: (page: Page) => Promise<void>, options?: BrowserContextOptions) => Promise<void>;
}

export function consoleUnderTest(
  start: () => Promise<ServerUnderTest> = startServer,
): ConsoleUnderTest {
  let server: ServerUnderTest | undefined;
  let browser: Browser | undefined;

  beforeAll(async () => {
    server = await start();
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  const address = () => {
    if (!server) throw new Error('the server is not running');
    return server.address;
  };

  return {
    address,
    visit: async (use, options = {}) => {
      if (!browser) throw new Error('the browser is not running');
      const { context, page, complaints } = await visitReady(browser, address(), options);
      try {
        await use(page);
        expect(complaints).toEqual([]);
      } finally {
        await context.close();
      }
    },
  };
}
