// Drives the page in Chromium as a visitor would, and prints what it saw as one JSON object.
//
//     node drive.mjs CHROMIUM PAGE OUT FILE...
//
// Each FILE is chosen in turn; the masks and screenshots go into OUT. Tests judge what is printed.

import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.cwd(), "package.json")); // where npm has installed
const { chromium } = require("playwright-core");
const [executablePath, place, out, ...files] = process.argv.slice(2);
const address = pathToFileURL(place).href;
const seen = { console: [], requests: [], files: {}, axe: {} };
const args = ["--no-sandbox", "--use-fake-device-for-media-stream"];
const browser = await chromium.launch({ executablePath, args });

async function opened(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(60000);
  page.on("console", (message) => {
    if (!message.text().includes("example.org")) seen.console.push(message.text()); // asked for below
  });
  page.on("pageerror", (error) => seen.console.push(error.message));
  page.on("request", (request) => {
    if (!/^(blob|data):/.test(request.url()) && request.url() !== address) seen.requests.push(request.url());
  });
  const start = Date.now();
  await page.goto(address);
  await page.waitForFunction(() => said.textContent.includes("Answered in"));
  return { page, context, seconds: (Date.now() - start) / 1000 };
}

async function saved(page, button, name) {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click(button)]);
  await download.saveAs(join(out, name));
  return download.suggestedFilename();
}

const said = (page) => page.textContent("#said");

const { page, seconds } = await opened();
seen.first = { seconds, said: await said(page) };
await page.setViewportSize({ width: 1100, height: 850 });
await page.evaluate(() => { said.textContent = ""; });
await page.locator("#drawings button").first().click(); // a second time, as all but the first go
await page.waitForFunction(() => said.textContent.includes("Answered in"));
await page.screenshot({ path: join(out, "readme.png") });

// Every file with every network: what is said, how long it took, and the mask of each class.
seen.networks = await page.$$eval("#networks label", (labels) => labels.map((label) => label.textContent));
for (const file of files) {
  const told = [];
  await page.evaluate(() => { said.textContent = ""; });
  const start = Date.now();
  await page.setInputFiles("#file", file);
  await page.waitForFunction((name) => said.textContent.startsWith(name), basename(file));
  const milliseconds = Date.now() - start;
  if (!(await page.$("#said.fault")))
    for (const [n, network] of seen.networks.entries()) {
      await page.evaluate(() => { said.textContent = ""; });
      await page.locator("#networks input").nth(n).evaluate((input) => { input.checked = false; input.click(); });
      await page.waitForFunction((name) => said.textContent.startsWith(name), basename(file));
      const boxes = page.locator("#classes input");
      for (let c = 0; c < (await boxes.count()); c++) {
        for (let other = 0; other < (await boxes.count()); other++) await boxes.nth(other).setChecked(other === c);
        await saved(page, "#mask", `${basename(file)}.${network}.${c}.png`);
      }
      told.push(await said(page));
    }
  seen.files[basename(file)] = { fault: Boolean(await page.$("#said.fault")), said: await said(page), told, milliseconds };
}

// Buttons, slider and class switches.
await page.locator("#drawings button").first().click();
await page.waitForFunction(() => said.textContent.includes("Answered in"));
seen.cutout = await saved(page, "#cutout", "cutout.png");
const shares = () => page.$$eval("#classes b", (places) => places.map((place) => parseFloat(place.textContent)));
seen.threshold = {};
for (const value of ["0.01", "0.5", "0.99"]) {
  await page.fill("#threshold", value); // fires input and change
  await page.waitForTimeout(300);
  seen.threshold[value] = await shares();
}
const picture = () => page.$eval("#picture", (canvas) => canvas.toDataURL());
const painted = await picture();
for (const box of await page.$$("#classes input")) await box.setChecked(false);
seen.switchesRepaint = (await picture()) !== painted;

// Drop and paste, of a picture and of text.
for (const kind of ["drop", "paste"]) {
  await page.evaluate(async (kind) => {
    const canvas = new OffscreenCanvas(40, 30);
    canvas.getContext("2d").fillRect(0, 0, 20, 30);
    const data = new DataTransfer();
    data.items.add(new File([await canvas.convertToBlob()], `${kind}.png`, { type: "image/png" }));
    const event = kind === "drop" ? new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true })
      : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
    document.body.dispatchEvent(event);
  }, kind);
  await page.waitForFunction((name) => said.textContent.startsWith(name), `${kind}.png`);
  seen[kind] = await said(page);
}
await page.evaluate(() => {
  const data = new DataTransfer();
  data.setData("text/plain", "no picture");
  document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
});
await page.waitForSelector("#said.fault");
seen.pasteText = await said(page);

// The keyboard alone, from the top of a page.
{
  const { page, context } = await opened();
  seen.keys = [];
  for (let n = 0; n < 40; n++) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const now = document.activeElement;
      return now === document.body ? "" : now.id || now.closest("[id]").id;
    });
    if (!at) break;
    seen.keys.push(at);
    if (at === "drawings") {
      await page.evaluate(() => { said.textContent = ""; });
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => said.textContent.includes("Answered in"));
    }
    if (at === "threshold") await page.keyboard.press("ArrowRight");
  }
  seen.level = await page.textContent("#level");
  await context.close();
}

// A camera, refused and granted.
await page.click("#open");
await page.waitForFunction(() => said.textContent.includes("camera"));
seen.refused = await said(page);
await page.context().grantPermissions(["camera"]);
await page.click("#open");
await page.waitForSelector("#camera:not([hidden])");
await page.waitForFunction(() => film.videoWidth > 0);
await page.click("#shoot");
await page.waitForFunction(() => said.textContent.startsWith("camera, "));
seen.camera = await said(page);

// Narrow and wide, light and dark: does anything stick out, and what does axe find?
for (const colorScheme of ["light", "dark"])
  for (const width of [360, 1280]) {
    const { page, context } = await opened({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true });
    await page.addScriptTag({ path: require.resolve("axe-core/axe.min.js") });
    const { violations } = await page.evaluate(() => axe.run());
    seen.axe[`${colorScheme} ${width}`] = {
      found: violations.map(({ id, impact, nodes }) => `${id} (${impact}): ${nodes[0].html}`),
      sticksOut: await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
    };
    await page.screenshot({ path: join(out, `${colorScheme}_${width}.png`), fullPage: true });
    await context.close();
  }

// Acting faster than the network: the last choice counts. The policy refuses what goes out.
{
  const { page, context } = await opened();
  seen.fast = await page.evaluate(async () => {
    const buttons = document.querySelectorAll("#drawings button");
    const [first, last] = [buttons[buttons.length - 1], buttons[1]];
    first.click();
    last.click();
    const saves = document.getElementById("mask").disabled;
    await new Promise((done) => setTimeout(done, 1500));
    return { saves, said: said.textContent, network: document.querySelector("#networks :checked").parentElement.textContent };
  });
  seen.refusedRequest = await page.evaluate(() => new Promise((done) => {
    document.addEventListener("securitypolicyviolation", (event) => done(event.effectiveDirective));
    fetch("https://example.org/").catch(() => setTimeout(() => done("nothing refused it"), 1000));
  }));
  await context.close();
}

await browser.close();
console.log(JSON.stringify(seen));
