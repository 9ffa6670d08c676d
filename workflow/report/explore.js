const ORANGE = "#D55E00", BLUE = "#0072B2", GREY = "#8A97A1";
const option = (value, text) => make("option", {value}, text);
const inThousandths = p => p === null ? "–" : p < 0.001 ? "< 0.001" : shown(p);

function volcanoes(layers) {
  const box = document.getElementById("volcano"), canvas = box.querySelector("canvas"), tip = box.querySelector(".tip");
  const choice = box.querySelector("select"), query = box.querySelector("input"), list = box.querySelector(".found");
  choice.append(...Object.keys(layers).map(name => option(name, displayName(name))));
  let points = [];
  const nameOf = i => { const l = layers[choice.value]; return l.symbol[i] ?? l.feature[i]; };
  const matches = () => {
    const wanted = query.value.trim().toLowerCase(), l = layers[choice.value];
    if (!wanted) return [];
    const hits = l.feature.map((f, i) => i).filter(i => f(l, i).some(n => n.includes(wanted)));
    return hits.sort((a, b) => f(l, b).includes(wanted) - f(l, a).includes(wanted) || l.y[b] - l.y[a]);
  };
  const f = (l, i) => [l.feature[i].toLowerCase(), nameOf(i).toLowerCase()];

  function draw() {
    const l = layers[choice.value], ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight, left = 48, right = 12, top = 12, bottom = 46;
    canvas.width = width * ratio; canvas.height = height * ratio;
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio); pen.clearRect(0, 0, width, height);
    // a few wild estimates of features with little data must not squeeze all others
    const sizes = l.x.map(Math.abs).sort((a, b) => a - b), typical = sizes[Math.floor(0.995 * sizes.length)] || 1;
    const limit = Math.min(sizes.at(-1) || 1, 4 * typical) * 1.05, most = Math.max(1, ...[l.y.reduce((a, b) => Math.max(a, b), 0)]) * 1.05;
    const x = v => left + (width - left - right) * (Math.max(-limit, Math.min(limit, v)) + limit) / (2 * limit), y = v => height - bottom - (height - top - bottom) * v / most;
    pen.font = "12px system-ui, 'DejaVu Sans', sans-serif"; pen.strokeStyle = "#4e5d69"; pen.fillStyle = "#1c2733"; pen.textAlign = "center";
    const step = 10 ** Math.floor(Math.log10(limit)), stride = limit / step > 4 ? 2 * step : limit / step < 1.6 ? step / 2 : step;
    for (let v = -Math.floor(limit / stride) * stride; v <= limit; v += stride) { pen.fillText(shown(Math.abs(v) < stride / 1e6 ? 0 : v), x(v), height - bottom + 18); }
    pen.fillText(l.label, (left + width - right) / 2, height - 8);
    pen.textAlign = "right";
    const rise = Math.max(1, Math.ceil(most / 6));
    for (let v = 0; v <= most; v += rise) pen.fillText(String(v), left - 8, y(v) + 4);
    pen.save(); pen.translate(13, (height - bottom) / 2); pen.rotate(-Math.PI / 2); pen.textAlign = "center"; pen.fillText("−log10 p-value", 0, 0); pen.restore();
    pen.beginPath(); pen.moveTo(left, top); pen.lineTo(left, height - bottom); pen.lineTo(width - right, height - bottom); pen.moveTo(x(0), top); pen.lineTo(x(0), height - bottom); pen.stroke();
    points = l.x.map((v, i) => [x(v), y(l.y[i])]);
    for (const called of [0, 1]) l.x.forEach((v, i) => {
      if (l.called[i] !== called) return;
      pen.fillStyle = !called ? "#C4C4C4" : v > 0 ? ORANGE : BLUE;
      pen.beginPath(); pen.arc(...points[i], called ? 3 : 2.2, 0, 7); pen.fill();
    });
    const found = matches();
    pen.strokeStyle = "#000"; pen.lineWidth = 2; pen.fillStyle = "#1c2733";
    for (const i of found.slice(0, 12)) {
      const [px, py] = points[i], side = px > width - 140;
      pen.beginPath(); pen.arc(px, py, 6, 0, 7); pen.stroke();
      pen.textAlign = side ? "right" : "left"; pen.fillText(nameOf(i).slice(0, 24), px + (side ? -9 : 9), py + 4);
    }
    const n = l.called.reduce((a, b) => a + b, 0);
    canvas.setAttribute("aria-label", `${displayName(choice.value)}: ${n} of ${l.x.length} features are called different`);
    list.replaceChildren(...found.slice(0, 12).map(i => make("li", {}, make("a", {href: featureLink(choice.value, l.feature[i])}, nameOf(i)), ` ${shown(l.x[i])}, p ${inThousandths(10 ** -l.y[i])}`)),
      ...(query.value.trim() && !found.length ? [make("li", {}, "Nothing by this name was tested.")] : found.length > 12 ? [make("li", {}, `and ${found.length - 12} more`)] : []));
  }

  function nearest(event) {
    const at = canvas.getBoundingClientRect(), px = event.clientX - at.left, py = event.clientY - at.top;
    let best = -1, close = 12 ** 2;
    points.forEach(([x, y], i) => { const d = (x - px) ** 2 + (y - py) ** 2; if (d < close) { close = d; best = i; } });
    return best;
  }
  canvas.addEventListener("mousemove", event => {
    const i = nearest(event), l = layers[choice.value];
    tip.hidden = i < 0; canvas.style.cursor = i < 0 ? "default" : "pointer";
    if (i < 0) return;
    tip.textContent = `${nameOf(i)}: ${shown(l.x[i])}, p ${inThousandths(10 ** -l.y[i])}`;
    tip.style.left = Math.min(points[i][0] + 10, canvas.clientWidth - tip.offsetWidth) + "px";
    tip.style.top = points[i][1] + 10 + "px";
  });
  canvas.addEventListener("mouseleave", () => { tip.hidden = true; });
  canvas.addEventListener("click", event => { const i = nearest(event); if (i >= 0 && !ALONE) location.href = featureLink(choice.value, layers[choice.value].feature[i]); });
  choice.addEventListener("change", draw); query.addEventListener("input", draw); window.addEventListener("resize", draw);
  draw();
}

function factorCards(factors) {
  const box = document.getElementById("factor"), choice = box.querySelector("select");
  choice.append(...factors.map((factor, i) => option(i, displayName(factor.name))));
  const part = (title, node) => node && make("div", {}, make("h3", {}, title), node);
  const table = (head, rows) => rows.length ? make("table", {}, make("thead", {}, make("tr", {}, ...head.map((h, k) => make("th", k > 1 ? {class: "n"} : {}, h)))),
    make("tbody", {}, ...rows.map(row => make("tr", {}, ...row.map((cell, k) => make("td", k > 1 ? {class: "n"} : {}, cell)))))) : null;
  function show() {
    const factor = factors[choice.value];
    box.querySelector("p[aria-live]").textContent = factor.sentence;
    box.querySelector(".parts").replaceChildren(...[
      part("Variance explained by layer", bars(Object.entries(factor.variance).map(([layer, v]) => [displayName(layer), v]))),
      ...Object.entries(factor.weights).map(([layer, rows]) => part("Largest weights, " + displayName(layer),
        bars(rows.map(([feature, symbol, w]) => [symbol, w, featureLink(layer, feature)]), 1))),
      part("Associations", table(["with", "measure", "value", "adjusted p"], factor.associations.map(([name, measure, v, p]) => [name, measure, shown(v), inThousandths(p)]))),
      part("Gene sets", table(["set", "layer", "score", "adjusted p"], factor.sets.map(([name, layer, v, p]) => [name, layer, shown(v), inThousandths(p)]))),
    ].filter(Boolean));
  }
  choice.addEventListener("change", show);
  show();
}

function curve(population, at) {
  const names = Object.keys(population.curves), all = names.flatMap(name => population.curves[name]);
  const steps = population.threshold, high = Math.max(...all) * 1.1 || 0.1, low = -0.25 * high;
  const x = t => 46 + 400 * (t - steps[0]) / (steps.at(-1) - steps[0]), y = v => 12 + 190 * (high - Math.max(low, v)) / (high - low);
  const colours = {selected: ORANGE, clinical: BLUE, "treat all": "#1c2733", "treat none": GREY}, dashes = {"treat all": "6 3", "treat none": "2 3"};
  const svg = make("svg", {viewBox: "0 0 470 300", width: 470, height: 300, role: "img",
    "aria-label": `Net benefit at a threshold of ${Math.round(100 * steps[at])} %: ` + names.map(n => `${displayName(n)} ${shown(population.curves[n][at])}`).join("; ")});
  for (let t = Math.ceil(10 * steps[0]) / 10; t <= steps.at(-1) + 1e-9; t += 0.1) svg.append(make("text", {x: x(t), y: 222, "text-anchor": "middle"}, Math.round(100 * t) + " %"));
  for (const v of [0, high / 2.2, high / 1.1]) svg.append(make("text", {x: 40, y: y(v) + 4, "text-anchor": "end"}, v.toFixed(2)));
  svg.append(make("text", {x: 246, y: 238, "text-anchor": "middle"}, "threshold"), make("line", {x1: x(steps[at]), x2: x(steps[at]), y1: 8, y2: 206, stroke: "#1c2733"}));
  names.forEach((name, k) => {
    const shownAt = population.curves[name].map((v, i) => [x(steps[i]), y(v), v]).filter(p => p[2] >= low), style = {stroke: colours[name] ?? "#AA4499", "stroke-width": name === "selected" ? 3 : 2, "stroke-dasharray": dashes[name] ?? "none", fill: "none"};
    const place = {x: 46 + 140 * (k % 3), y: 264 + 20 * Math.floor(k / 3)};
    svg.append(make("path", {d: "M" + shownAt.map(p => p[0].toFixed(1) + " " + p[1].toFixed(1)).join("L"), ...style}),
      make("line", {x1: place.x, x2: place.x + 20, y1: place.y - 4, y2: place.y - 4, ...style}), make("text", {x: place.x + 26, y: place.y}, displayName(name)));
  });
  return svg;
}

function thresholdSlider(populations) {
  const box = document.getElementById("threshold"), range = box.querySelector("input"), choice = box.querySelector("select");
  if (!populations.length) { box.remove(); return; }
  choice.append(...populations.map((p, i) => option(i, `${Math.round(100 * p.prevalence)} % ${POSITIVE}`)));
  choice.value = populations.length - 1;
  range.max = populations[0].threshold.length - 1;
  function show() {
    const p = populations[choice.value], at = +range.value, ill = Math.round(100 * p.prevalence);
    const right = Math.min(ill, Math.round(100 * p.true[at])), wrong = Math.min(100 - ill, Math.round(100 * p.false[at]));
    const said = Math.round(100 * p.threshold[at]) + " %";
    box.querySelector("output").textContent = said;
    range.setAttribute("aria-valuetext", said);
    const kinds = [[right, ORANGE, true], [ill - right, ORANGE, false], [wrong, BLUE, true], [100 - ill - wrong, BLUE, false]].flatMap(([n, colour, full]) => Array(n).fill([colour, full]));
    const text = `Of 100 patients, ${ill} are ${POSITIVE}. ${right + wrong} have a probability of ${said} or more and would be treated: ${right} rightly (true positives) and ${wrong} needlessly (false positives). ${100 - right - wrong} would be spared: ${100 - ill - wrong} rightly, and ${ill - right} ${POSITIVE} would be missed.`;
    const gain = p.curves.selected[at] - Math.max(0, p.curves["treat all"][at]);
    box.querySelector("p[aria-live]").textContent = `${text} Compared with the better of treating all or none, that is ${gain > 0 ? "worth" : "a loss of"} ${shown(Math.abs(100 * gain))} true positives per 100 patients, without more false ones.`;
    box.querySelector(".waffle").replaceChildren(make("svg", {viewBox: "0 0 210 210", role: "img", "aria-label": text}, ...kinds.map(([colour, full], k) =>
      make("circle", {cx: 10 + 21 * (k % 10), cy: 10 + 21 * Math.floor(k / 10), r: 7.5, fill: full ? colour : "#fff", stroke: colour, "stroke-width": 2.5}))));
    box.querySelector(".curve").replaceChildren(curve(p, at));
  }
  range.value = Math.max(0, populations[0].threshold.findIndex(t => t >= populations.at(-1).prevalence - 1e-9));
  range.addEventListener("input", show); choice.addEventListener("change", show);
  show();
}

(async () => {
  const found = {};
  for (const script of document.querySelectorAll("script[data-part]")) found[script.dataset.part] = await unpacked(script);
  document.documentElement.classList.add("scripted");
  volcanoes(found.volcano); factorCards(found.factors); thresholdSlider(found.thresholds);
  document.body.dataset.ready = "yes";
})();
