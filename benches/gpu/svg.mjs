// Horizontal bars as SVG, written by hand: the same numbers give the same bytes, readable on light and dark pages.

const [WIDTH, LEFT, RIGHT, TOP, ROW] = [760, 330, 110, 58, 20];
const STYLE =
  '<style>svg{background:#fff}text{font:12px system-ui,sans-serif;fill:#1a1a1a}.t{font-size:15px;font-weight:600}.s{fill:#555}' +
  '.b0{fill:#0072b2}.b1{fill:#b35900}.r{stroke:#555}@media (prefers-color-scheme:dark){svg{background:#111}text{fill:#eee}' +
  '.s{fill:#aaa}.b0{fill:#56b4e9}.b1{fill:#ff9d3c}.r{stroke:#999}}</style>';

const text = (value) => String(value).replace(/&/g, '&amp;').replace(/</g, '&lt;');
const at = (value) => value.toFixed(1);

/**
 * `rows`: `{ label, value, shown, kind }`, a bar each, `kind` 0 or 1 its colour; `roof`: the value that a line is drawn at; the
 * axis ends at the largest of all.
 */
export function bars({ title, subtitle, rows, roof }) {
  const most = Math.max(...rows.map((row) => row.value), roof ?? 0) || 1;
  const x = (value) => LEFT + (value / most) * (WIDTH - LEFT - RIGHT);
  const height = TOP + rows.length * ROW + 16;
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    STYLE,
    `<title>${text(title)}</title><text class="t" x="12" y="22">${text(title)}</text><text class="s" x="12" y="42">${text(subtitle)}</text>`,
  ];
  rows.forEach(({ label, value, shown, kind = 0 }, i) => {
    const y = TOP + i * ROW;
    out.push(`<text x="${LEFT - 8}" y="${y + 14}" text-anchor="end">${text(label)}</text>`);
    out.push(`<rect class="b${kind}" x="${LEFT}" y="${y + 3}" width="${at(x(value) - LEFT)}" height="${ROW - 6}"/>`);
    out.push(`<text x="${at(x(value) + 6)}" y="${y + 14}">${text(shown)}</text>`);
  });
  if (roof) out.push(`<line class="r" x1="${at(x(roof))}" x2="${at(x(roof))}" y1="${TOP - 4}" y2="${height - 12}"/>`);
  return `${out.join('\n')}\n</svg>\n`;
}
