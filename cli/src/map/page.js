"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const details = $("details");
  const welcome = [...details.childNodes];
  const FILTERS = ["q", "type", "state", "user", "net"];
  const ROWS = 200;
  let rows = ROWS;
  let view = null; // what is shown: {data, svg, nodes, links, ports, box, current}
  let chosen = null; // "n3", "p1" or "l7"

  /** An element with text; names from outside only ever become text. */
  function make(tag, text, className) {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  }

  // ---- views: one for processes, and one for programs where that differs

  const views = data.views.map((graph, at) => {
    const svg = $("view-" + at);
    const all = (attribute) => {
      const found = [];
      for (const element of svg.querySelectorAll(`[data-${attribute}]`)) {
        const number = Number(element.getAttribute("data-" + attribute));
        (found[number] ||= []).push(element);
      }
      return found;
    };
    const box = svg.getAttribute("viewBox").split(" ").map(Number);
    const made = { graph, svg, nodes: all("n"), links: all("l"), ports: all("p"), whole: box, box, current: 0 };
    graph.links.forEach((link) => {
      link.text = fold([label(graph, link.from), label(graph, link.to), link.name, link.type, link.relation].join(" "));
    });
    graph.nodes.forEach((node, n) => {
      node.links = [];
      node.ports = [];
      const element = made.nodes[n][0];
      element.setAttribute("role", "button");
      element.setAttribute("tabindex", n === 0 ? "0" : "-1");
    });
    graph.links.forEach((link, l) => {
      graph.nodes[link.from].links.push(l);
      if (link.to !== link.from) graph.nodes[link.to].links.push(l);
    });
    graph.ports.forEach((port, p) => graph.nodes[port.node].ports.push(p));
    graph.nodes.forEach((node, n) => {
      const ports = node.ports.map((p) => graph.ports[p].name);
      node.text = fold([node.label, node.user, node.pids.join(" "), ...ports].join(" "));
      const serves = ports.length ? `, serves ${ports.slice(0, 4).join(", ")}` : "";
      const links = node.links.filter((l) => graph.links[l].relation !== "shares");
      const total = links.reduce((sum, l) => sum + graph.links[l].count, 0);
      made.nodes[n][0].setAttribute("aria-label", `${node.label} ${node.user}${serves}; connections: ${total}`);
    });
    return made;
  });

  function label(graph, n) {
    const node = graph.nodes[n];
    return `${node.label} ${node.user}`.trim();
  }

  function fold(text) {
    return text.toLowerCase();
  }

  // ---- filters

  function offer(id, values, names) {
    const select = $(id);
    for (const value of [...new Set(values)].filter((v) => v !== "").sort()) {
      const option = make("option", names ? names(value) : value);
      option.value = value;
      select.append(option);
    }
    select.closest("label").hidden = select.options.length < (id === "view" ? 2 : 3);
  }

  const first = data.views[0];
  const everything = [...first.links, ...first.ports];
  offer("type", everything.map((part) => part.type));
  const STATES = { connected: "connected", waiting: "waits to be accepted", sends: "sends datagrams", shares: "shared", listening: "listening" };
  offer("state", [...first.links.map((l) => l.relation), ...first.ports.map((p) => p.state)].filter((s) => s in STATES), (s) => STATES[s]);
  offer("user", first.nodes.map((node) => node.user));
  offer("net", everything.map((part) => part.net));
  views.forEach((v, at) => {
    const option = make("option", v.graph.title);
    option.value = String(at);
    $("view").append(option);
  });
  $("view").closest("label").hidden = views.length < 2;
  for (const item of document.querySelectorAll("#legend li")) {
    const kind = item.firstElementChild.className;
    const there = (link) => (kind === "busy" ? link.queued > 0 : link.relation === kind);
    item.hidden = !first.links.some(there);
  }

  function wanted() {
    const value = (id) => $(id).value;
    const words = fold(value("q")).split(/\s+/).filter(Boolean);
    return { words, type: value("type"), state: value("state"), user: value("user"), net: value("net"), busy: $("busy").checked };
  }

  /** Whether a port or a link is of the kind that is asked for. */
  function fits(part, state, want) {
    return (!want.type || part.type === want.type)
      && (!want.state || state === want.state)
      && (!want.net || part.net === want.net)
      && (!want.busy || part.queued > 0);
  }

  function apply() {
    const want = wanted();
    const { graph } = view;
    const has = (text) => want.words.every((word) => text.includes(word));
    const narrowed = Boolean(want.type || want.state || want.net || want.busy);
    const asked = narrowed || Boolean(want.words.length || want.user);
    const link = graph.links.map((l) => fits(l, l.relation, want));
    const port = graph.ports.map((p) => fits(p, p.state, want));
    const mine = (node) => !want.user || node.user === want.user;
    const hit = graph.nodes.map((node) => mine(node) && has(node.text)
      && (!narrowed || node.links.some((l) => link[l]) || node.ports.some((p) => port[p])));
    const shown = graph.links.map((l, at) => link[at]
      && (hit[l.from] || hit[l.to] || ((mine(graph.nodes[l.from]) || mine(graph.nodes[l.to])) && has(l.text))));
    const near = graph.nodes.map((node) => node.links.some((l) => shown[l]));
    view.hit = asked ? hit : graph.nodes.map(() => false);
    view.off = graph.nodes.map((_, n) => asked && !hit[n] && !near[n]);
    view.shown = shown;
    graph.nodes.forEach((_, n) => {
      for (const element of view.nodes[n]) {
        element.classList.toggle("off", view.off[n]);
        element.classList.toggle("hit", asked && hit[n] && want.words.length > 0);
      }
    });
    graph.links.forEach((_, l) => {
      for (const element of view.links[l] || []) element.classList.toggle("off", !shown[l]);
    });
    rows = ROWS;
    table();
    tell(asked, hit, shown);
    remember();
  }

  function plural(count, one, many) {
    return `${count} ${count === 1 ? one : many}`;
  }

  function tell(asked, hit, shown) {
    const { graph } = view;
    if (!asked) {
      $("result").textContent = data.summary;
      return;
    }
    const count = hit.filter(Boolean).length;
    const links = graph.links.filter((l, at) => shown[at] && l.relation !== "shares");
    const total = links.reduce((sum, l) => sum + l.count, 0);
    const noun = view.graph.title === "programs" ? ["program", "programs"] : ["process", "processes"];
    $("result").textContent = count === 0 && total === 0 ? "Nothing fits."
      : `${plural(count, ...noun)} of ${graph.nodes.length}, ${plural(total, "connection", "connections")}.`;
  }

  // ---- the table, which says the same as the picture

  function table() {
    const { graph } = view;
    const body = $("rows");
    const order = [];
    graph.links.forEach((_, l) => { if (view.shown[l]) order.push(l); });
    order.sort((a, b) => graph.links[b].queued - graph.links[a].queued || graph.links[b].count - graph.links[a].count || a - b);
    body.replaceChildren(...order.slice(0, rows).map((l) => {
      const link = graph.links[l];
      const row = make("tr");
      const cell = (content) => {
        const td = make("td");
        td.append(content);
        row.append(td);
      };
      cell(choice("n" + link.from, graph.nodes[link.from].label));
      cell(choice("n" + link.to, graph.nodes[link.to].label));
      cell(choice("l" + l, link.name || "(no name)"));
      cell(link.type);
      cell(STATES[link.relation]);
      cell(String(link.count));
      cell(make("span", link.queues, "warn"));
      return row;
    }));
    $("more").hidden = order.length <= rows;
    $("more").textContent = `Show more (${order.length - rows} left)`;
  }

  $("more").addEventListener("click", () => {
    rows += 1000;
    table();
  });

  // ---- details

  function choice(what, text) {
    const button = make("button", text);
    button.type = "button";
    button.dataset.choose = what;
    return button;
  }

  function list(title, items) {
    if (!items.length) return [];
    const MOST = 200;
    const ul = make("ul");
    ul.append(...items.slice(0, MOST));
    if (items.length > MOST) ul.append(make("li", `and ${items.length - MOST} more`, "soft"));
    return [make("h3", title), ul];
  }

  function item(parts) {
    const li = make("li");
    parts.forEach((part, at) => {
      if (at) li.append(" ");
      li.append(part);
    });
    return li;
  }

  function linkItem(l, other) {
    const link = view.graph.links[l];
    const parts = [choice("n" + other, view.graph.nodes[other].label), choice("l" + l, link.name || "without a name"), make("span", link.what, "soft")];
    if (link.queues) parts.push(make("span", link.queues, "warn"));
    return item(parts);
  }

  function portItem(p) {
    const port = view.graph.ports[p];
    return item([choice("p" + p, port.name || "(no name)"), make("span", `${port.type}, ${port.about}`, port.queued ? "warn" : "soft")]);
  }

  function socket(inode) {
    const about = data.sockets[inode];
    return inode ? `socket ${inode}${about ? ` (${about})` : ""}` : "a socket";
  }

  function ofNode(n) {
    const { graph } = view;
    const node = graph.nodes[n];
    const parts = [make("h2", node.label)];
    if (node.user) parts.push(make("p", `user ${node.user}`, "soft"));
    if (node.pids.length > 1) parts.push(make("p", `process ids ${node.pids.join(", ")}`, "soft"));
    parts.push(...list("Serves", node.ports.map(portItem)));
    const of = (relation, from) => node.links.filter((l) => {
      const link = graph.links[l];
      return (link.relation === "shares") === (relation === "shares") && (from ? link.from === n : link.to === n && link.from !== n);
    });
    parts.push(...list("Clients", of("", false).map((l) => linkItem(l, graph.links[l].from))));
    parts.push(...list("Talks to", of("", true).map((l) => linkItem(l, graph.links[l].to))));
    parts.push(...list("Holds sockets of", of("shares", true).map((l) => linkItem(l, graph.links[l].to))));
    parts.push(...list("Its sockets are also held by", of("shares", false).map((l) => linkItem(l, graph.links[l].from))));
    if (node.alone) parts.push(make("p", `${plural(node.alone, "socket talks", "sockets talk")} to nobody.`, "soft"));
    if (node.closed) parts.push(make("p", `The other end of ${plural(node.closed, "socket", "sockets")} is closed.`, "soft"));
    return parts;
  }

  function ofPort(p) {
    const { graph } = view;
    const port = graph.ports[p];
    const parts = [make("h2", port.name || "(no name)"), make("p", `${port.type}, ${port.about}`), make("p", socket(port.inode), "soft")];
    parts.push(...list("Served by", [port.node, ...port.also].map((n) => item([choice("n" + n, label(graph, n))]))));
    const clients = graph.nodes[port.node].links.filter((l) => graph.links[l].port === p && graph.links[l].relation !== "shares");
    parts.push(...list("Clients", clients.map((l) => linkItem(l, graph.links[l].from))));
    if (port.net) parts.push(make("p", `network namespace ${port.net}`, "soft"));
    return parts;
  }

  function ofLink(l) {
    const { graph } = view;
    const link = graph.links[l];
    const parts = [make("h2", link.name || "Without a name"), make("p", `${link.type}, ${link.what}`)];
    if (link.queues) parts.push(make("p", link.queues, "warn"));
    parts.push(...list("Client", [item([choice("n" + link.from, label(graph, link.from))])]));
    parts.push(...list("Server", [item([choice("n" + link.to, label(graph, link.to))])]));
    if (link.port !== null) parts.push(...list("At", [portItem(link.port)]));
    const ends = link.ends.map(([a, b]) => make("li", a === b ? socket(a) : `${socket(a)} → ${socket(b)}`));
    parts.push(...list("Sockets", ends));
    return parts;
  }

  function choose(what, move) {
    for (const element of view.svg.querySelectorAll(".chosen, .of-chosen")) element.classList.remove("chosen", "of-chosen");
    const number = what ? Number(what.slice(1)) : -1;
    const { graph } = view;
    const known = { n: graph.nodes, p: graph.ports, l: graph.links }[what ? what[0] : ""];
    if (!known || !known[number]) {
      chosen = null;
      details.replaceChildren(...welcome);
      remember();
      return;
    }
    chosen = what;
    let node = number;
    if (what[0] === "p") node = graph.ports[number].node;
    if (what[0] === "l") {
      node = graph.links[number].to;
      for (const element of view.links[number] || []) element.classList.add("chosen");
    } else {
      const ofThis = (l) => what[0] === "n" || graph.links[l].port === number;
      for (const l of graph.nodes[node].links.filter(ofThis)) {
        for (const element of view.links[l] || []) element.classList.add("of-chosen");
      }
    }
    view.nodes[node][0].classList.add("chosen");
    current(node);
    details.replaceChildren(...{ n: ofNode, p: ofPort, l: ofLink }[what[0]](number));
    if (move) reveal(node);
    remember();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-choose]");
    if (button) {
      choose(button.dataset.choose, true);
      details.focus({ preventScroll: true });
    }
  });

  // ---- pan and zoom

  function scale() {
    const area = view.svg.getBoundingClientRect();
    return Math.min(area.width / view.box[2], area.height / view.box[3]) || 1;
  }

  function place(box) {
    view.box = box;
    view.svg.setAttribute("viewBox", box.map((v) => v.toFixed(2)).join(" "));
    const READABLE = 0.5;
    const by = scale();
    view.svg.classList.toggle("distant", by < READABLE);
    // The names of groups are about as large on the screen, however far away they are.
    view.svg.style.setProperty("--readable", `${(24 / by).toFixed(1)}px`);
  }

  function fit() {
    const area = view.svg.getBoundingClientRect();
    const [x, y, w, h] = view.whole;
    const LARGEST = 1.4;
    // The buttons above the picture and the legend below it need room, too.
    const [above, below] = [24, 40];
    const by = Math.max(Math.min(area.width / w, (area.height - above - below) / h, LARGEST), 0.001);
    const [width, height] = [area.width / by, area.height / by];
    place([x + (w - width) / 2, y + (h - height) / 2 + (below - above) / 2 / by, width, height]);
  }

  function zoom(factor, at) {
    const [x, y, w, h] = view.box;
    const by = Math.min(Math.max(factor, 0.02 / scale()), 8 / scale());
    const [fx, fy] = at || [0.5, 0.5];
    place([x + w * fx * (1 - 1 / by), y + h * fy * (1 - 1 / by), w / by, h / by]);
  }

  function area(n) {
    const card = view.nodes[n][0];
    const [, x, y] = card.getAttribute("transform").match(/translate\(([-\d.]+) ([-\d.]+)\)/).map(Number);
    const { width, height } = card.querySelector("rect").getBBox();
    return { x: x + width / 2, y: y + height / 2, width, height };
  }

  /** Moves the picture so that a card can be seen and read. */
  function reveal(n) {
    const READABLE = 0.7;
    if (scale() < READABLE) zoom(1 / scale());
    const card = area(n);
    const [x, y, w, h] = view.box;
    const inside = card.x > x + card.width / 2 && card.x < x + w - card.width / 2
      && card.y > y + card.height / 2 && card.y < y + h - card.height / 2;
    if (!inside) place([card.x - w / 2, card.y - h / 2, w, h]);
  }

  document.querySelector("#zoom").addEventListener("click", (event) => {
    const how = event.target.dataset.zoom;
    if (how === "fit") fit();
    else if (how) zoom(how === "in" ? 1.4 : 1 / 1.4);
  });

  let drag = null;
  for (const { svg } of views) {
    svg.addEventListener("wheel", (event) => {
      event.preventDefault();
      const box = svg.getBoundingClientRect();
      const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      zoom(Math.exp(-event.deltaY * 0.0015), at);
    }, { passive: false });
    svg.addEventListener("pointerdown", (event) => {
      drag = { x: event.clientX, y: event.clientY, box: view.box, moved: false };
    });
    svg.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
      if (!drag.moved && Math.hypot(dx, dy) < 4) return;
      if (!drag.moved) svg.setPointerCapture(event.pointerId);
      drag.moved = true;
      svg.classList.add("moving");
      const by = scale();
      place([drag.box[0] - dx / by, drag.box[1] - dy / by, drag.box[2], drag.box[3]]);
    });
    const end = () => {
      svg.classList.remove("moving");
      // The click that follows is none.
      if (drag && drag.moved) setTimeout(() => { drag = null; }, 0);
      else drag = null;
    };
    svg.addEventListener("pointerup", end);
    svg.addEventListener("pointercancel", end);
    svg.addEventListener("click", (event) => {
      if (drag && drag.moved) return;
      for (const kind of ["p", "n", "l"]) {
        const found = event.target.closest(`[data-${kind}]`);
        if (found) return choose(kind + found.getAttribute("data-" + kind));
      }
      choose(null);
    });
    svg.addEventListener("focusin", (event) => {
      const card = event.target.closest(".node");
      if (!card) return;
      current(Number(card.getAttribute("data-n")));
      if (card.matches(":focus-visible")) reveal(view.current);
    });
  }

  // ---- keyboard

  /** The one card that Tab leads to. */
  function current(n) {
    view.nodes[view.current][0].setAttribute("tabindex", "-1");
    view.current = n;
    view.nodes[n][0].setAttribute("tabindex", "0");
  }

  function next(dx, dy) {
    const from = area(view.current);
    let best = null;
    view.graph.nodes.forEach((_, n) => {
      if (n === view.current || view.off[n]) return;
      const to = area(n);
      const [x, y] = [to.x - from.x, to.y - from.y];
      const ahead = x * dx + y * dy;
      const aside = Math.abs(x * dy + y * dx);
      if (ahead < 1 || aside > ahead * 2.5) return;
      const far = ahead + aside * 2;
      if (!best || far < best.far) best = { n, far };
    });
    if (best) view.nodes[best.n][0].focus();
  }

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input, select");
    const onCard = event.target.closest && event.target.closest(".node");
    if (event.key === "/" && !typing) {
      $("q").focus();
      $("q").select();
    } else if (event.key === "Escape") {
      escape(event.target);
    } else if (onCard && ARROWS[event.key]) {
      next(...ARROWS[event.key]);
    } else if (onCard && (event.key === "Enter" || event.key === " ")) {
      choose("n" + view.current);
    } else if (event.target.id === "q" && event.key === "Enter") {
      const found = view.hit.indexOf(true);
      if (found >= 0) {
        choose("n" + found, true);
        view.nodes[found][0].focus();
      }
    } else if (!typing && "+=".includes(event.key)) {
      zoom(1.4);
    } else if (!typing && event.key === "-") {
      zoom(1 / 1.4);
    } else if (!typing && event.key === "0") {
      fit();
    } else {
      return;
    }
    event.preventDefault();
  });

  function escape(from) {
    if (chosen) {
      choose(null);
      if (details.contains(from)) view.nodes[view.current][0].focus();
      return;
    }
    for (const id of FILTERS) $(id).value = "";
    $("busy").checked = false;
    apply();
  }

  $("controls").addEventListener("submit", (event) => event.preventDefault());
  $("controls").addEventListener("input", (event) => {
    if (event.target.id === "view") {
      choose(null);
      show(Number($("view").value));
    }
    apply();
  });

  // ---- light and dark

  const THEMES = ["system", "light", "dark"];
  function theme(name) {
    if (name === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
    $("theme").textContent = "Theme: " + name;
  }
  function themeNow() {
    return document.documentElement.dataset.theme || "system";
  }
  $("theme").addEventListener("click", () => {
    theme(THEMES[(THEMES.indexOf(themeNow()) + 1) % THEMES.length]);
    remember();
  });

  // ---- what is shown stands in the address, so that it can be kept and sent

  function remember() {
    const state = new URLSearchParams();
    for (const id of FILTERS) if ($(id).value) state.set(id, $(id).value);
    if ($("busy").checked) state.set("busy", "1");
    if (views.length > 1) state.set("view", $("view").value);
    if (chosen) state.set("chosen", chosen);
    if (themeNow() !== "system") state.set("theme", themeNow());
    try {
      history.replaceState(null, "", "#" + state);
    } catch {
      // Some readers of local files do not allow that.
    }
  }

  function recall() {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const id of FILTERS) $(id).value = state.get(id) || "";
    $("busy").checked = state.get("busy") === "1";
    if (THEMES.includes(state.get("theme"))) theme(state.get("theme"));
    const number = Number(state.get("view") ?? data.view);
    show(views[number] ? number : 0);
    apply();
    if (state.get("chosen")) choose(state.get("chosen"), true);
  }

  function show(number) {
    $("view").value = String(number);
    view = views[number];
    views.forEach((v) => v.svg.toggleAttribute("hidden", v !== view));
    view.off ||= view.graph.nodes.map(() => false);
    fit();
  }

  window.addEventListener("resize", () => fit());
  window.addEventListener("hashchange", recall);
  if (data.views[0].nodes.length) {
    // `apply` remembers, so the address is read before.
    const asked = location.hash;
    recall();
    if (asked.includes("chosen=")) reveal(view.current);
  }
})();
