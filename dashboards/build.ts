/** Builds the pages into the folder given as the first argument. Run as a process of its own: it leaves no memory behind. */
import { build } from 'vite';

const [outDir] = process.argv.slice(2);
if (outDir === undefined) throw new TypeError('give the folder to build into');
await build({
  configFile: new URL('./vite.config.ts', import.meta.url).pathname,
  logLevel: 'error',
  build: { outDir },
});
