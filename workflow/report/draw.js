"use strict";
const TITLES = {{ titles|tojson }}, CAPITALS = {{ capitals|tojson }};
const SVG_TAGS = ["svg", "svg:a", "line", "rect", "circle", "path", "text"];
// Names come from users' files: they only ever become text nodes and attributes.
const make = (tag, attributes, ...children) => {
  const node = SVG_TAGS.includes(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag.replace("svg:", "")) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes || {})) if (value !== null) node.setAttribute(key, value);
  node.append(...children.filter(child => child !== null && child !== undefined));
  return node;
};
const shown = x => x === null || x === undefined ? "–" : Math.abs(x) >= 1e5 || (x !== 0 && Math.abs(x) < 1e-3) ? x.toExponential(1) : String(+x.toPrecision(3));
const percent = x => x === null || x === undefined ? "–" : shown(100 * x) + " %";
const displayName = name => TITLES[name] ?? name.replaceAll("_", " ").replaceAll("+", " + ").replace(/^Factor(?=\d)/, "Factor ").replace(/\p{L}+/gu, word => CAPITALS[word] ?? word);
const featureLink = (layer, feature) => ALONE ? null : "genes.html#" + encodeURIComponent(layer) + "/" + encodeURIComponent(feature);

// Gzipped JSON in base64, as Python wrote it.
async function unpacked(script) {
  const text = atob(script.textContent), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// Horizontal bars with their values; negative ones are blue. Rows: name, value and, maybe, a link.
function bars(rows, scale) {
  if (!rows.length) return null;
  const most = scale || Math.max(...rows.map(([, v]) => Math.abs(v))) || 1, height = 22 * rows.length + 4;
  const svg = make("svg", {width: 380, height, viewBox: `0 0 380 ${height}`, role: rows[0][2] ? "group" : "img", "aria-label": rows.map(([n, v]) => `${n}: ${shown(v)}`).join("; ")});
  rows.forEach(([name, v, href], k) => {
    const text = make("text", {x: 0, y: 15 + 22 * k}, name.length > 22 ? name.slice(0, 21) + "…" : name);
    svg.append(href ? make("svg:a", {href}, text) : text,
      make("rect", {x: 160, y: 4 + 22 * k, width: Math.max(1, 150 * Math.abs(v) / most), height: 14, fill: v < 0 ? "#0072B2" : "#D55E00"}),
      make("text", {x: 320, y: 15 + 22 * k}, shown(v)));
  });
  return svg;
}
