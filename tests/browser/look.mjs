// Opens files in Chromium, light and wide, then dark at the width of a phone, and prints a JSON line for each view: what
// axe-core finds, by how much the page is wider than the window, what the console said. Arguments: Chromium, files.
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"
import { chromium } from "playwright-core"

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
const [executablePath, ...files] = process.argv.slice(2)
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] })
for (const file of files) {
  // How the page is laid out follows from the width alone, and the theme is colours alone: two views see all of both.
  for (const [colorScheme, width] of [["light", 1440], ["dark", 390]]) {
    // The page's own policy forbids scripts, and axe-core is one.
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, bypassCSP: true })
    const page = await context.newPage()
    const said = []
    page.on("console", (message) => said.push(message.text()))
    await page.goto(pathToFileURL(file).href)
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    await page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)))
    await page.evaluate(axe)
    const { violations } = await page.evaluate(() => axe.run())
    const faults = violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0].html.slice(0, 200)}`)
    console.log(JSON.stringify({ file, width, wider, faults, said }))
    await context.close()
  }
}
await browser.close()
