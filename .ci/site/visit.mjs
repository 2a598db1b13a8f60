// Reads every page of the site in Chromium as a visitor would, and prints what is wrong as JSON.
//
//     node visit.mjs CHROMIUM ADDRESS PAGE...
//
// Each PAGE is a path below ADDRESS, where the site is served. Tests judge what is printed.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json")); // where npm has installed
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf-8");
const [executablePath, address, ...pages] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const faults = [];

const judged = () => { // in the page: what needs no tool
  const found = [];
  for (const details of document.querySelectorAll("details")) details.open = true;
  for (const animation of document.getAnimations()) animation.finish(); // what fades in is pale
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) found.push(`${root.scrollWidth} px wide, ${root.clientWidth} are there`);
  for (const image of document.querySelectorAll("article img")) {
    if (!image.alt.trim()) found.push(`no alternative text: ${image.src}`);
    if (image.complete && !image.naturalWidth) found.push(`no picture: ${image.src}`);
  }
  let level = 0;
  const sizes = [Infinity]; // of headings, by level
  for (const heading of document.querySelectorAll("article :is(h1, h2, h3, h4, h5, h6)")) {
    const here = Number(heading.tagName[1]);
    if (here > level + 1) found.push(`h${here} after h${level}: ${heading.textContent}`);
    level = here;
    sizes[here] = parseFloat(getComputedStyle(heading).fontSize);
    if (sizes[here] >= sizes[here - 1]) found.push(`no smaller than an h${here - 1}: ${heading.textContent}`);
  }
  return found;
};

// In the page too. The colour of each word takes axe the longest, and in an article it is the same at
// each width: a telephone's is read outside it only. What is no colour is the same, dark or light.
const audit = async ({ dark, telephone }) => {
  const colour = ["color-contrast", "link-in-text-block"], resultTypes = ["violations"];
  const none = Object.fromEntries(colour.map((rule) => [rule, { enabled: false }]));
  const found = [await axe.run(telephone ? { exclude: ["article"] } : document, { resultTypes, runOnly: colour })];
  if (!dark) found.push(await axe.run({ resultTypes, rules: none }));
  return found.flatMap(({ violations }) => violations)
    .filter(({ impact }) => ["serious", "critical"].includes(impact))
    .map(({ id, nodes }) => `axe ${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 150)).join(" | ")}`);
};

async function visited(colorScheme, width) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage();
  let where = "";
  const fault = (text) => faults.push(`${where}, ${width} px, ${colorScheme}: ${text}`);
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) fault(message.text()); });
  page.on("pageerror", (error) => fault(error.message));
  page.on("requestfailed", (request) => fault(`failed: ${request.url()}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(address) && !/^(data|blob):/.test(request.url())) fault(`asks ${request.url()}`);
  });
  for (where of pages) {
    await page.goto(address + where, { waitUntil: "load" });
    (await page.evaluate(judged)).forEach(fault);
    await page.evaluate(axe);
    (await page.evaluate(audit, { dark: colorScheme === "dark", telephone: width < 1000 })).forEach(fault);
  }
  await context.close();
}
for (const width of [1280, 360]) // two at a time, as two cores are there
  await Promise.all(["light", "dark"].map((scheme) => visited(scheme, width)));

const page = await browser.newPage();
await page.goto(`${address}search.html?q=skip+connection`);
await page.waitForSelector("#search-results li a");
const first = await page.locator("#search-results li a").first().getAttribute("href");

// With the keyboard alone: a folded solution opens, and the landing page leads to the demo.
async function tabbed(place, found) {
  await page.goto(address + place);
  for (let step = 0; step < 500; step++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(found)) return true;
  }
  return false;
}
let solution = "not reached", demo = "not reached";
if (await tabbed("notebooks/02_unet_from_scratch.html", () => document.activeElement.tagName === "SUMMARY")) {
  await page.keyboard.press("Enter");
  const open = await page.evaluate(() => document.activeElement.parentElement.open);
  solution = open ? "opened by keyboard" : "reached, not opened";
}
if (await tabbed("index.html", () => document.activeElement.className === "try")) demo = "reached by keyboard";
await browser.close();
console.log(JSON.stringify({ faults, first, solution, demo }));
