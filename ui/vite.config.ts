import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// The page is served under a strict content security policy: nothing inline, nothing from elsewhere.
export default defineConfig({
  plugins: [svelte()],
  build: {
    manifest: true, // scripts/compress.mjs counts by it, and takes it away
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    host: '127.0.0.1',
    proxy: { '/api': process.env.FAELLED_URL ?? 'http://127.0.0.1:9499' },
  },
  test: { include: ['src/**/*.test.ts'], environment: 'node', css: true },
} as import('vite').UserConfig & { test: object });
