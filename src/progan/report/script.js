"use strict";
// The page is whole without this script: it adds a slider, values under the pointer, copying.

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

// Pictures: pixels stay sharp where a picture is enlarged, and are averaged where it is reduced.
const sharpen = () => all("img.pixels").forEach((image) => {
  const reduced = image.clientWidth && image.clientWidth < +image.getAttribute("width");
  image.style.imageRendering = reduced ? "auto" : "";
});
addEventListener("resize", sharpen);
sharpen();

// Growth: show one snapshot of the strip at a time.
for (const growth of all(".growth")) {
  const frames = all("li", growth);
  const slider = growth.querySelector("input");
  const play = growth.querySelector(".play");
  let timer = 0;
  const show = () => {
    frames.forEach((frame, index) => frame.classList.toggle("shown", index === +slider.value));
    const facts = all("figcaption span", frames[slider.value]).map((fact) => fact.textContent);
    slider.setAttribute("aria-valuetext", facts.join(", "));
    sharpen();
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
  };
  play.addEventListener("click", () => {
    if (timer) return stop();
    if (slider.value === slider.max) slider.value = 0;
    show();
    play.textContent = "Pause";
    timer = setInterval(() => {
      slider.value = +slider.value + 1;
      show();
      if (slider.value === slider.max) stop();
    }, Math.max(80, Math.min(400, 12000 / frames.length)));
  });
  slider.addEventListener("input", () => { stop(); show(); });
  growth.classList.add("on");
  growth.querySelector(".film").removeAttribute("tabindex");
  growth.querySelector(".controls").hidden = frames.length < 2;
  show();
}

// Walk: everything that moves can be stopped.
for (const walk of all(".walk")) {
  const button = walk.querySelector(".pause");
  const pause = (paused) => {
    walk.classList.toggle("paused", paused);
    button.textContent = paused ? "Play" : "Pause";
  };
  button.addEventListener("click", () => pause(!walk.classList.contains("paused")));
  button.hidden = false;
  pause(calm);
}

// Curves: read values with the pointer or the arrow keys.
const compact = (value) => {
  const size = Math.abs(value);
  if (size >= 1e6) return +(value / 1e6).toPrecision(4) + "M";
  if (size >= 1e4) return +(value / 1e3).toPrecision(4) + "k";
  return String(+value.toPrecision(4));
};
for (const plot of all(".plot")) {
  const chart = plot.querySelector("svg.chart");
  if (!chart) continue;
  const { low, high, left, across } = Object.fromEntries(
    Object.entries(chart.dataset).map(([name, value]) => [name, +value]));
  const figure = plot.closest("figure");
  const outputs = all(".legend .value", figure);
  const where = figure.querySelector(".where");
  const rule = chart.querySelector(".rule");
  const lines = all("[data-values]", chart).map((line) => ({
    name: line.dataset.name,
    values: line.dataset.values.split(" ").map(Number),
    places: line.tagName === "circle"
      ? [+line.getAttribute("cx")]
      : line.getAttribute("points").split(" ").map((point) => +point.split(",")[0]),
  }));
  const nearest = (places, x) => places.reduce(
    (best, place, index) => Math.abs(place - x) < Math.abs(places[best] - x) ? index : best, 0);
  const longest = lines.reduce((a, b) => b.places.length > a.places.length ? b : a, lines[0]);
  let at = longest.places.length - 1;
  const read = (x) => {
    at = nearest(longest.places, x);
    const place = longest.places[at];
    rule.setAttribute("x1", place);
    rule.setAttribute("x2", place);
    plot.classList.add("reading");
    const moment = compact(low + (place - left) / across * (high - low));
    const said = lines.map((line, index) => {
      const near = nearest(line.places, place);
      const there = Math.abs(line.places[near] - place) <= across / 20;
      outputs[index].textContent = there ? compact(line.values[near]) : "–";
      return `${line.name} ${outputs[index].textContent}`;
    });
    where.textContent = `${moment} ${plot.dataset.unit}`;
    plot.setAttribute("aria-valuenow", at);
    plot.setAttribute("aria-valuetext", `${where.textContent}: ${said.join(", ")}`);
  };
  const leave = () => {
    plot.classList.remove("reading");
    where.textContent = "";
    outputs.forEach((output) => { output.textContent = ""; });
  };
  plot.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    read((event.clientX - box.left) / box.width * chart.viewBox.baseVal.width);
  });
  plot.addEventListener("pointerleave", leave);
  plot.addEventListener("blur", leave);
  plot.addEventListener("keydown", (event) => {
    const last = longest.places.length - 1;
    const goal = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last,
      PageUp: at - 10, PageDown: at + 10 }[event.key];
    if (goal === undefined) return;
    event.preventDefault();
    read(longest.places[Math.max(0, Math.min(last, goal))]);
  });
  plot.tabIndex = 0;
  plot.setAttribute("role", "slider");
  plot.setAttribute("aria-label", plot.dataset.label);
  plot.setAttribute("aria-valuemin", 0);
  plot.setAttribute("aria-valuemax", at);
  plot.setAttribute("aria-valuenow", at);
  chart.setAttribute("aria-hidden", "true");
}

// Commands: the clipboard where the browser allows it in a local file, otherwise a selection.
for (const button of all(".copy")) {
  const code = button.parentElement.querySelector("code");
  const mark = () => {
    const range = document.createRange();
    range.selectNodeContents(code);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    return document.execCommand("copy");
  };
  button.addEventListener("click", async () => {
    let copied = true;
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      copied = mark();
    }
    button.textContent = copied ? "Copied" : "Selected";
    setTimeout(() => { button.textContent = "Copy"; }, 1600);
  });
  button.hidden = false;
}

// Contents: mark the section that is being read.
if ("IntersectionObserver" in window) {
  const links = new Map(all(".contents a").map((link) => [link.hash.slice(1), link]));
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      links.forEach((link) => link.removeAttribute("aria-current"));
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  all("main > section").forEach((section) => watch.observe(section));
}
