(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const root = document.documentElement;

  const theme = document.getElementById("theme");
  const themes = ["auto", "light", "dark"];
  const dress = (name) => {
    if (name === "auto") delete root.dataset.theme; else root.dataset.theme = name;
    theme.textContent = `◐ ${name}`;
    theme.dataset.now = name;
    theme.setAttribute("aria-label", `Colours: ${name}`);
  };
  let kept = "auto";
  try { kept = localStorage.getItem("report-theme") || "auto"; } catch { /* a page that may keep nothing */ }
  dress(themes.includes(kept) ? kept : "auto");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const next = themes[(themes.indexOf(theme.dataset.now) + 1) % themes.length];
    dress(next);
    try { localStorage.setItem("report-theme", next); } catch { /* as above */ }
  });

  const valueOf = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
  };
  const compare = (a, b) =>
    typeof a === typeof b ? (typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true })) :
    typeof a === "number" ? -1 : 1;
  document.addEventListener("click", (event) => {
    const head = event.target.closest("thead th");
    if (!head) return;
    const down = head.classList.contains("n") ? head.ariaSort !== "descending" : head.ariaSort === "ascending";
    all("th", head.parentElement).forEach((each) => each.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = head.closest("table").tBodies[0];
    const rows = [...body.rows].map((row) => [valueOf(row, head.cellIndex), row]);
    rows.sort(([a], [b]) => (down ? compare(b, a) : compare(a, b)));
    body.append(...rows.map(([, row]) => row));
  });

  const choose = (select) =>
    all(":scope > .option", select.closest(".choice")).forEach((each, at) => { each.hidden = at !== select.selectedIndex; });
  const choices = all(".choice select");
  choices.forEach((select) => {
    select.parentElement.hidden = false;
    select.addEventListener("change", () => choose(select));
    choose(select);
  });

  const models = all("#models option");
  const tools = document.getElementById("tools");
  if (tools) {
    const name = document.getElementById("by-name"), sensor = document.getElementById("by-modality");
    const count = document.getElementById("count");
    const filter = () => {
      const words = name.value.toLowerCase().split(/\s+/).filter(Boolean);
      const keep = new Set(models.filter((each) =>
        words.every((word) => each.value.toLowerCase().includes(word)) &&
        (!sensor.value || each.dataset.sees.split("+").includes(sensor.value))).map((each) => each.dataset.m));
      all("[data-m]").forEach((each) => each.classList.toggle("off", !keep.has(each.dataset.m)));
      count.textContent = keep.size === models.length ? "" : `${keep.size} of ${models.length} models`;
      choices.forEach((select) => {
        const shown = [...select.options].filter((each) => !each.classList.contains("off"));
        if (shown.length && !shown.includes(select.selectedOptions[0])) { shown[0].selected = true; choose(select); }
      });
    };
    tools.hidden = false;
    name.addEventListener("input", filter);
    sensor.addEventListener("change", filter);
  }

  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  tip.setAttribute("aria-hidden", "true");
  document.body.append(tip);
  document.addEventListener("pointerover", (event) => {
    const own = event.target.closest?.(".picture *");
    const title = own && own.querySelector(":scope > title");
    if (title) { own.dataset.t = title.textContent; title.remove(); }
    tip.hidden = !(own && own.dataset.t);
    if (!tip.hidden) tip.textContent = own.dataset.t;
  });
  document.addEventListener("pointermove", (event) => {
    if (tip.hidden) return;
    tip.style.left = `${Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${event.clientY + 18 + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 10 : event.clientY + 18}px`;
  });
})();
