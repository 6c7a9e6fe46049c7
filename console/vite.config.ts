/// <reference types="vitest/config" />
import { defineConfig } from 'vite';

export default defineConfig({
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    target: 'es2022',
    // The page's own policy forbids data: scripts and styles, and a preload helper is
    // useless while everything is in one chunk.
    assetsInlineLimit: 0,
    modulePreload: false,
  },
  server: {
    // `npm run dev` beside a running `lathe serve` or `npm run mock`.
    proxy: Object.fromEntries(
      ['/v1', '/health', '/tokenize'].map((path) => [
        path,
        process.env.LATHE_URL ?? 'http://127.0.0.1:8080',
      ]),
    ),
  },
  test: { include: ['src/**/*.test.ts'], setupFiles: ['dev/test_setup.ts'] },
});
