/// <reference types="vitest/config" />
// For tests/console, the tests in a real browser: they take their packages from here.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

export default defineConfig({
  root: path('../tests/console'),
  resolve: {
    alias: {
      'playwright-core': path('node_modules/playwright-core/index.mjs'),
      vitest: path('node_modules/vitest/dist/index.js'),
    },
  },
  // The tests lie outside of this folder; nothing is served.
  server: { fs: { strict: false } },
  test: {
    include: ['*.test.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    // One browser at a time: the tests share the machine with the model.
    fileParallelism: false,
  },
});
