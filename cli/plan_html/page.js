"use strict";
// Search and filters. A version is found by its own row; its slices of bars, its server and its pool follow from it.
(() => {
  const all = (where, selector) => Array.from(where.querySelectorAll(selector));
  const form = document.getElementById("tools");
  if (!form) return;
  const search = document.getElementById("search");
  const facets = ["owner", "pool", "engine", "task", "language"];
  const chosen = Object.fromEntries(facets.map((name) => [name, document.getElementById(`by-${name}`)]));

  const pools = all(document, ".pool").map((node) => ({ node, name: node.dataset.pool, shown: true }));
  const groups = [];
  const versions = [];
  const bars = [];
  for (const pool of pools) {
    for (const node of all(pool.node, ".servers > tbody")) {
      const group = { node, name: node.dataset.server, pool, shown: true };
      groups.push(group);
      for (const row of all(node, "tr[data-v]")) {
        versions[Number(row.dataset.v)] = {
          row, group, on: true, slices: [], lines: [],
          owner: row.dataset.owner, pool: pool.name, engine: row.dataset.engine,
          task: row.dataset.task, language: row.dataset.language,
          month: row.dataset.month, least: "least" in row.dataset, notes: row.dataset.notes,
          text: [row.firstElementChild.textContent, row.dataset.owner, group.name, row.dataset.engine, pool.name]
            .join(" ").toLowerCase(),
        };
      }
    }
    for (const node of all(pool.node, ".gpu")) bars.push({ node, pool, numbers: new Set(), shown: true, gpus: Number(node.dataset.gpus || 0) });
  }
  for (const bar of bars) {
    for (const slice of all(bar.node, "[data-v]")) {
      const number = Number(slice.dataset.v);
      bar.numbers.add(number);
      versions[number][slice.tagName === "TR" ? "lines" : "slices"].push(slice);
    }
  }
  const risks = all(document, "[data-risk]").map((node) => ({
    node, pool: node.dataset.risk, server: node.dataset.server || "", shown: true,
  }));
  const kinds = all(document, ".mind details").map((node) => ({
    node, number: node.querySelector("b"), risks: risks.filter((risk) => node.contains(risk.node)), shown: true,
  }));

  const show = (one, shown) => {
    if (one.shown === shown) return;
    one.shown = shown;
    one.node.hidden = !shown;
  };
  const mark = (version, on) => {
    if (version.on === on) return;
    version.on = on;
    version.row.hidden = !on;
    for (const line of version.lines) line.hidden = !on;
    for (const slice of version.slices) slice.classList.toggle("off", !on);
  };

  const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
  const count = (number, word) => `${number.toLocaleString("en-US")} ${word}${number === 1 ? "" : "s"}`;
  const cost = (found) => {
    const known = found.filter((one) => one.month !== undefined && one.month !== "unknown");
    if (found.length && !known.length) return "cost unknown";
    const least = known.length < found.length || found.some((one) => one.least) ? "at least " : "";
    const notes = [...new Set(found.map((one) => one.notes).filter(Boolean))].sort();
    const sum = known.reduce((before, one) => before + Number(one.month), 0);
    return [`${least}${dollars.format(sum)} a month`, ...notes].join("; ");
  };

  const warn = (everything) => {
    const names = new Set();
    for (const pool of pools) if (pool.shown) names.add(`${pool.name}\n`);
    for (const group of groups) if (group.shown) names.add(`${group.pool.name}\n${group.name}`);
    for (const kind of kinds) {
      for (const risk of kind.risks) show(risk, everything || names.has(`${risk.pool}\n${risk.server}`));
      const left = kind.risks.filter((risk) => risk.shown).length;
      show(kind, left > 0);
      kind.number.textContent = left.toLocaleString("en-US");
    }
  };

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = facets.filter((name) => chosen[name].value).map((name) => [name, chosen[name].value]);
    const everything = !words.length && !wanted.length;
    const alone = wanted.length === 1 && !words.length && chosen.pool.value;
    const found = [];
    const live = new Set();
    for (const version of versions) {
      const on = wanted.every(([name, value]) => version[name] === value)
        && words.every((word) => version.text.includes(word));
      mark(version, on);
      if (on) {
        found.push(version);
        live.add(version.group);
        live.add(version.group.pool);
      }
    }
    for (const pool of pools) show(pool, everything || live.has(pool) || pool.name === alone);
    for (const group of groups) show(group, everything || live.has(group));
    let seen = 0;
    for (const bar of bars) {
      const some = everything || Boolean(alone) || [...bar.numbers].some((number) => versions[number].on);
      if (some && bar.numbers.size && bar.pool.shown) seen += bar.gpus;
      show(bar, some);
    }
    warn(everything);
    document.getElementById("none").hidden = pools.some((pool) => pool.shown);
    document.getElementById("found").textContent = everything
      ? `${count(versions.length, "version")}. Press / to search.`
      : `${count(found.length, "version")} of ${versions.length.toLocaleString("en-US")}`
        + (seen ? ` on ${count(seen, "GPU")}` : "") + (found.length ? ` \u00b7 ${cost(found)}` : "");
  };

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => { setTimeout(apply); search.focus(); });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "radio";
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
      search.select();
    }
    if (event.key === "Escape" && event.target === search) {
      event.preventDefault();
      form.reset();
    }
  });
  form.hidden = false;
  apply();
})();
