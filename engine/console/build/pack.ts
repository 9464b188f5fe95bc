import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/** What is worth packing; fonts are packed as they are. */
const TEXT = /\.(html|js|css|svg|json|txt|md)$/;

/** Smaller files gain nothing. Units: bytes. */
const WORTH_IT = 512;

/** Packages that are shipped and not found in scripts, with the file that holds their licence. */
const FONTS = { "@fontsource-variable/instrument-sans": "node_modules/@fontsource-variable/instrument-sans/LICENSE" };

/** Adds the licences of fonts, and writes a brotli and a gzip copy beside each file of text, so that the server packs nothing. */
export function pack(): Plugin {
  let folder = "";
  return {
    name: "pack",
    apply: "build",
    configResolved: (config) => {
      folder = config.build.outDir;
    },
    closeBundle: () => {
      for (const [name, licence] of Object.entries(FONTS)) {
        appendFileSync(join(folder, "licenses.md"), `\n## ${name} (OFL-1.1)\n\n${readFileSync(licence, "utf8")}`);
      }
      for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
        if (!TEXT.test(name)) continue;
        const path = join(folder, name);
        const plain = readFileSync(path);
        if (plain.length < WORTH_IT) continue;
        const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
        writeFileSync(`${path}.br`, brotliCompressSync(plain, quality));
        writeFileSync(`${path}.gz`, gzipSync(plain, { level: 9 }));
      }
    },
  };
}
