// SPDX-License-Identifier: MIT
// Bar charts of what bench/server.mjs measured last: node bench/charts.mjs [FILE.jsonl] [FOLDER], by default those of
// build/bench/server.jsonl into docs. One SVG for each figure that has a chart (bench/figures.mjs); colours follow the
// reader's light or dark mode, and the numbers stand beside the bars.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { rows } from './figures.mjs'
import { here, median, short } from './page.mjs'

const width = 720
const barsAt = 190 /* where bars begin: names stand to the left of it */
const barsEnd = 620 /* and the longest ends: numbers stand to the right */
const top = 48
const rowHeight = 34

const style = `
    svg { font-family: ui-sans-serif, Helvetica, Arial, sans-serif; font-size: 14px }
    .page { fill: #ffffff }
    .title { fill: #22201c; font-weight: 600 }
    .text { fill: #22201c }
    .note { fill: #57524a; font-size: 12px }
    .peer { fill: #9aa7b5 }
    .ours { fill: #c9573f }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117 }
      .title, .text { fill: #e6e4df }
      .note { fill: #a8a39a }
      .peer { fill: #5b6a7a }
      .ours { fill: #e0745c }
    }`

const escape = text => text.replace(/[&<>"]/g, sign => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign])

/** bars: [{ name, value }] */
function chart (title, note, bars) {
  const height = top + bars.length * rowHeight + 30
  const longest = Math.max(...bars.map(({ value }) => value)) || 1
  const drawn = bars.map(({ name, value }, i) => {
    const y = top + i * rowHeight
    const length = Math.max(1, value / longest * (barsEnd - barsAt)).toFixed(1)
    return `  <text class="text" x="${barsAt - 10}" y="${y + 16}" text-anchor="end">${escape(name)}</text>
  <rect class="${name.startsWith('ysync') ? 'ours' : 'peer'}" x="${barsAt}" y="${y}" width="${length}" height="22" rx="2"/>
  <text class="text" x="${barsAt + Number(length) + 8}" y="${y + 16}">${short(value)}</text>`
  })
  const said = bars.map(({ name, value }) => `${name} ${short(value)}`).join(', ')

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(`${title}: ${said}`)}">
  <style>${style}
  </style>
  <rect class="page" width="${width}" height="${height}" rx="6"/>
  <text class="title" x="16" y="28">${escape(title)}</text>
${drawn.join('\n')}
  <text class="note" x="16" y="${height - 12}">${escape(note)}</text>
</svg>
`
}

/** The lines of the latest session. */
function latest (path) {
  const lines = readFileSync(path, 'utf8').trim().split('\n').map(line => JSON.parse(line))
  return lines.filter(({ session }) => session === lines.at(-1).session)
}

const [path = here('../build/bench/server.jsonl'), folder = here('../docs')] = process.argv.slice(2)
const lines = latest(path)
const names = [...new Set(lines.map(({ server }) => server))]

for (const { scenario, figure, chart: title, isMore = false } of rows.filter(row => row.chart)) {
  const bars = names.map(name => ({
    name,
    value: median(lines.filter(line => line.server === name && line.scenario === scenario).map(line => line[figure]))
  }))
  assert.ok(bars.every(({ value }) => Number.isFinite(value)), `${scenario}: not measured for every server`)
  const note = `${isMore ? 'More' : 'Less'} is better. One core for the server; bench/server.mjs, ${lines[0].session.slice(0, 10)}.`
  writeFileSync(join(folder, `bench-${scenario}.svg`), chart(title, note, bars))
}
