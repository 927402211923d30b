// Builds the dashboard into dist/, next to the other pages. Its paths are relative, because it is served under /dashboard/.
import { defineConfig } from "vite";

export default defineConfig({
  root: "dashboard",
  base: "./",
  build: {
    outDir: "../dist/dashboard",
    emptyOutDir: true,
    // No file is inlined as data, so the page needs no exception in its Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: false,
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
});
