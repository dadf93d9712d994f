/* SPDX-License-Identifier: BSD-3-Clause */
/* A browser for the tests: reads a command a line, answers a line each, both JSON. Everything that
 * the page asked for, and all that its console said, is kept until the next page is opened.
 *
 *   node driver.mjs PLAYWRIGHT CHROMIUM */

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [playwright, chromium] = process.argv.slice(2);
const { chromium: kind } = await import(pathToFileURL(playwright).href);
const args = process.getuid() === 0 ? ["--no-sandbox"] : [];
const browser = await kind.launch({ executablePath: chromium, args });

let page = null;
let said = { console: [], errors: [], requests: [] };

function listen() {
  said = { console: [], errors: [], requests: [] };
  page.on("console", (message) => said.console.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => said.errors.push(String(error.stack || error)));
  page.on("request", (request) => said.requests.push(request.url()));
}

const commands = {
  async open({ url, width = 1280, height = 900, scheme = "light" }) {
    if (page) await page.context().close();
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme });
    page = await context.newPage();
    page.setDefaultTimeout(90000);
    listen();
    const answer = await page.goto(url);
    return answer.status();
  },
  reload: async () => (await page.reload()).status(),
  eval: ({ code }) => page.evaluate(code),
  press: ({ key }) => page.keyboard.press(key),
  type: ({ text }) => page.keyboard.type(text),
  click: ({ selector }) => page.click(selector),
  async drag({ selector, from, to }) {
    const box = await page.locator(selector).boundingBox();
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * from, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * to, y, { steps: 5 });
    await page.mouse.up();
  },
  async hover({ selector, at }) {
    const box = await page.locator(selector).boundingBox();
    await page.mouse.move(box.x + box.width * at, box.y + box.height / 2, { steps: 3 });
  },
  scroll: ({ selector }) => page.locator(selector).scrollIntoViewIfNeeded(),
  shot: ({ path, full = false }) => page.screenshot({ path, fullPage: full }).then(() => null),
  said: () => said,
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...given } = JSON.parse(line);
  let answer;
  try {
    answer = { value: (await commands[command](given)) ?? null };
  } catch (error) {
    answer = { error: String(error.stack || error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}
await browser.close();
