import { join } from 'node:path';
import { defineConfig } from 'vite';

/** Three pages that share words and formats: the staff app, the tenant's statement, and the gateway's own for the LAN. */
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
      input: ['index.html', 'tenant.html', 'edge.html'].map((page) => join(import.meta.dirname, page)),
    },
  },
});
