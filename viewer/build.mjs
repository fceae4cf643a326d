// Bundles src/ into one HTML file, the template that unalter.maps.viewer fills: `npm run build -- OUT`.

import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";

const here = (path) => new URL(path, import.meta.url);
const read = (path) => readFile(here(path), "utf8");

const target = ["chrome123", "firefox120", "safari17.5"]; // the first with light-dark()

async function bundled(entry) {
  const { outputFiles } = await build({
    entryPoints: [here(entry).pathname],
    bundle: true,
    minify: true,
    format: "iife",
    target,
    legalComments: "none", // three's whole licence stands at the top of the script
    write: false,
  });
  return outputFiles[0].text.trim();
}

/** Of everything that the page is built from; a test compares it, so that no change goes in without its build. */
async function fingerprint() {
  const hash = createHash("sha256");
  const sources = (await readdir(here("src"))).sort().map((name) => `src/${name}`);
  for (const path of [...sources, "build.mjs", "package-lock.json"]) hash.update(await readFile(here(path)));
  return hash.digest("hex");
}

const { version } = JSON.parse(await read("node_modules/three/package.json"));
const licence = (await read("node_modules/three/LICENSE")).trim();
const script = (await bundled("src/main.js")).replaceAll("</script", "<\\/script");
const style = await bundled("src/style.css");
const page = (await read("src/index.html"))
  .replace("/*STYLE*/", () => style)
  .replace("/*SOURCE*/", await fingerprint())
  .replace("/*SCRIPT*/", () => `/*! Holds three.js ${version}:\n${licence}\n*/\n${script}`);
await writeFile(process.argv[2], page);
