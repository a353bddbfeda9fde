import { join } from 'node:path';
import { defineConfig } from 'vite';

/** Two pages that share words, formats and charts: the staff app and the tenant's statement. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  publicDir: false,
  resolve: { alias: [{ find: /^zod$/, replacement: join(import.meta.dirname, 'zod-for-pages.ts') }] },
  build: {
    target: 'es2022',
    emptyOutDir: true,
    // Nothing inline: the content security policy allows only files of our own.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: ['index.html', 'tenant.html'].map((page) => join(import.meta.dirname, page)),
    },
  },
});
