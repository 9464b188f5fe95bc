import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { pack } from "./build/pack.ts";

/** Where `care serve` answers while the console is worked on. */
const ENGINE = process.env.CARE_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  base: "/console/",
  plugins: [react(), pack()],
  build: {
    outDir: fileURLToPath(new URL("dist/site", import.meta.url)),
    emptyOutDir: true,
    target: "es2023",
    license: { fileName: "licenses.md" },
    // The policy of the page forbids data: in scripts and styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": ENGINE } },
  test: { environment: "happy-dom", include: ["test/**/*.test.{ts,tsx}"] },
});
