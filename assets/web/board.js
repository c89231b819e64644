"use strict";
// The rig as it lives: told by the server's events, or asked for where these do not come through.
// Whatever a node says is text here, never markup.

const SIGNS = {
  done: ["✓", "done"],
  behind: ["△", "update to come"],
  warned: ["!", "with a warning"],
  applying: ["▶", "applying"],
  checking: ["◔", "checking"],
  waiting: ["◌", "waiting"],
  failed: ["✗", "failed"],
  "rolled-back": ["↺", "taken back"],
  missing: ["?", "missing"],
  unheard: ["○", "not heard yet"],
  "no-card": ["·", "no card"],
  blinking: ["✱", "blinks"],
};
const WARNINGS = {
  hot: "It is too hot. Give it air: a Pi slows itself down at 80 °C.",
  clock: "Its clock is off. See that a time server answers in the rig's network.",
  worn: "Its card is nearly worn out. Make a new card for it soon.",
  full: "Its card is nearly full. Look at what its programs write.",
  "two-pis": "Two computers report with this card's key. One of them has a copy: make a new card for this node.",
  "name-twice": "Two nodes have this name. While nodes swap this is so for a moment.",
  "old-card": "An old card of it is still in the rig. Take that card out: see the address below.",
};
const ROLLOUTS = {
  running: "it goes out",
  paused: "paused",
  stopped: "stopped by itself.",
  done: "every node has it",
};
const TROUBLED = new Set(["failed", "rolled-back", "missing"]);
const UNHEARD = "Only nodes that speak can blink. See that they have power and a network, and begin again.";
const POLL_MS = 2000;
const AGAIN_MS = 5000;

const at = (id) => document.getElementById(id);
let board = null;
let heardAt = 0;
let chosen = "";
let walk = null;
let polling = 0;

// --- what is known of a node, in words --------------------------------------------------------

const warningsOf = (node) => node.warnings || [];
const isBehind = (node) => node.wanted > 0 && node.generation > 0 && node.generation < node.wanted;

function kindOf(node) {
  const state = node.state || "no-card";
  if (node.blink) return "blinking";
  if (state === "done" && warningsOf(node).length) return "warned";
  if (state === "done" && isBehind(node)) return "behind";
  return state;
}

/** The server's time now, as milliseconds: clocks of browsers may be wrong. */
const now = () => Date.parse(board.at) + (performance.now() - heardAt);

function span(seconds) {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

const since = (time) => span(Math.max((now() - Date.parse(time)) / 1000, 0));
const size = (bytes) =>
  bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;

function headline(node) {
  const state = node.state || "no-card";
  if (state === "missing") {
    const last = SIGNS[node.last_state] ? SIGNS[node.last_state][1] : "–";
    return `missing for ${since(node.heard_at)}; last word: ${last}`;
  }
  if (state === "applying" && node.step_count)
    return `applying, step ${node.step_number || 0} of ${node.step_count}: ${node.step || ""}`;
  if (state === "failed" && node.step) return `failed at ${node.step}`;
  if (state === "done" && isBehind(node)) return "done, update to come";
  return SIGNS[state][1];
}

function clock(offset) {
  if (offset === undefined || offset === null) return "";
  if (Math.abs(offset) < 0.05) return "right";
  return `${Math.abs(offset).toFixed(1)} s ${offset > 0 ? "slow" : "fast"}`;
}

function wordsOf(node) {
  const words = [[node.reason, node.hint].filter(Boolean).join(" ")];
  if (node.state === "missing" && !warningsOf(node).includes("two-pis")) words.push("Look at its power and its cable.");
  if (node.state === "unheard" && node.replaces) words.push("Put its new card in: what the older one says is refused.");
  for (const code of warningsOf(node)) words.push(WARNINGS[code] || `The node warns: ${code}`);
  for (const other of board.strangers)
    if (other.node === node.name) words.push(`The old card speaks from ${other.address}.`);
  return words.filter(Boolean);
}

function factsOf(node) {
  const told = (value, words) => (value === undefined || value === null ? "" : words);
  return [
    ["Address", node.address],
    ["Also from", node.twin_address],
    ["Heard", node.heard_at ? `${since(node.heard_at)} ago` : ""],
    ["Generation", isBehind(node) ? `${node.generation} → ${node.wanted}` : node.generation],
    ["Update", node.update],
    ["Heat", told(node.temperature, `${node.temperature} °C`)],
    ["Clock", clock(node.clock_offset)],
    ["Card worn", told(node.wear, `${node.wear} %`)],
    ["Free", told(node.free_bytes, size(node.free_bytes || 0))],
    ["Runs for", node.uptime ? span(node.uptime) : ""],
    ["Agent", node.agent_version],
    ["Pi", node.model],
    ["Serial", node.serial],
    ["Card", node.card_id],
    ["Card before", node.replaces],
    ["Image", (node.image_digest || "").slice(0, 16)],
  ].filter((pair) => pair[1]);
}

// --- drawing ----------------------------------------------------------------------------------

function make(tag, text, name) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
}

const put = (place, ...children) => at(place).replaceChildren(...children);
const say = (place, words) => {
  if (at(place).textContent !== words) at(place).textContent = words;
};
const nodeOf = (name) => board.nodes.find((node) => node.name === name);
const nodesOf = (role) => board.nodes.filter((node) => node.role === role.name);
const cells = new Map();

function lookUp(word) {
  const wanted = word.trim().toLowerCase();
  return board.nodes.find(
    (node) => wanted && [node.name, (node.position || "").toLowerCase()].includes(wanted),
  );
}

/** The rig anew: which nodes there are changes seldom. */
function lay() {
  cells.clear();
  const grids = board.roles.map((role) => {
    const block = make("div");
    const title = make("h3", role.columns * role.rows > 1 ? `${role.title} × ${nodesOf(role).length}` : role.title);
    const grid = make("div", undefined, "grid");
    grid.setAttribute("role", "grid");
    grid.setAttribute("aria-label", role.title);
    grid.style.setProperty("--columns", role.columns);
    const there = new Map(nodesOf(role).map((node) => [`${node.column || 1} ${node.row || 1}`, node]));
    if (role.columns > 1) grid.append(ruler(role.columns));
    for (let row = 1; row <= role.rows; row++) grid.append(line(role, row, there));
    block.append(title, grid);
    return block;
  });
  put("grids", ...grids);
  put(
    "names",
    ...board.nodes.flatMap((node) => [node.name, node.position].filter(Boolean)).map((word) => {
      const option = make("option");
      option.value = word;
      return option;
    }),
  );
  const first = cells.get(chosen) || cells.values().next().value;
  if (first) first.tabIndex = 0;
}

function row() {
  const made = make("div");
  made.setAttribute("role", "row");
  made.style.setProperty("display", "contents");
  return made;
}

function ruler(columns) {
  const made = row();
  made.setAttribute("aria-hidden", "true");
  made.append(make("span", ""));
  for (let column = 1; column <= columns; column++)
    made.append(make("span", column === 1 || column % 5 === 0 ? column : "", "ruler"));
  return made;
}

function line(role, number, there) {
  const made = row();
  const head = make("span", role.rows > 1 ? number : "", "ruler");
  head.setAttribute("aria-hidden", "true");
  made.append(head);
  for (let column = 1; column <= role.columns; column++) {
    const node = there.get(`${column} ${number}`);
    made.append(node ? cell(node) : make("span"));
  }
  return made;
}

function cell(node) {
  const made = make("button");
  made.type = "button";
  made.setAttribute("role", "gridcell");
  made.tabIndex = -1;
  made.dataset.name = node.name;
  cells.set(node.name, made);
  return made;
}

function drawCell(node) {
  const made = cells.get(node.name);
  const kind = kindOf(node);
  if (made.className !== kind) made.className = kind;
  if (made.textContent !== SIGNS[kind][0]) made.textContent = SIGNS[kind][0];
  const label = `${node.name} ${node.position || ""}: ${headline(node)}`;
  if (made.title !== label) {
    made.title = label;
    made.setAttribute("aria-label", label);
  }
  const selected = String(node.name === chosen);
  if (made.getAttribute("aria-selected") !== selected) made.setAttribute("aria-selected", selected);
}

function drawCounts() {
  const counts = {};
  for (const node of board.nodes) {
    const kind = kindOf({ ...node, blink: "" });
    counts[kind] = (counts[kind] || 0) + 1;
  }
  const words = Object.keys(SIGNS).filter((kind) => kind !== "blinking");
  put(
    "counts",
    ...words.map((kind) => {
      const count = counts[kind] || 0;
      return make("li", `${SIGNS[kind][0]} ${count} ${SIGNS[kind][1]}`, count ? kind : "none");
    }),
  );
}

function drawList() {
  const only = at("troubled").checked;
  at("list").hidden = !only;
  at("grids").hidden = only;
  if (!only) return;
  const found = board.nodes.filter(
    (node) => TROUBLED.has(node.state) || warningsOf(node).length,
  );
  const focused = document.activeElement?.dataset?.listed;
  const rows = found.map((node) => {
    const item = make("li");
    const words = [headline(node), ...warningsOf(node)].join(", ");
    const button = make("button", `${SIGNS[kindOf(node)][0]} ${node.name} ${words}`, kindOf(node));
    button.type = "button";
    button.dataset.listed = node.name;
    item.append(button);
    return item;
  });
  put("list", ...(rows.length ? rows : [make("li", "No node needs anybody.")]));
  if (focused) at("list").querySelector(`[data-listed="${CSS.escape(focused)}"]`)?.focus();
}

function drawNode() {
  const node = chosen && nodeOf(chosen);
  at("node").hidden = !node;
  if (!node) return;
  const kind = kindOf(node);
  say("name", `${node.name} · ${node.position || ""}`);
  say("state", `${SIGNS[kind][0]} ${headline(node)}`);
  at("state").className = kind === "blinking" ? "" : kind;
  put("words", ...wordsOf(node).map((words) => make("p", words)));
  put("facts", ...factsOf(node).flatMap(([label, value]) => [make("dt", label), make("dd", value)]));
  at("blink").disabled = !node.card_id;
  const told = { asked: "It blinks when it speaks next: some seconds.", blinking: "✱ It blinks now." };
  say("blinks", told[node.blink] || "");
}

function draw() {
  if (!board) return;
  say("site", `· ${board.site}`);
  const { state, generation, why } = board.rollout;
  say("rollout", ROLLOUTS[state] ? `Update ${generation}: ${ROLLOUTS[state]} ${why || ""}` : "");
  for (const node of board.nodes) drawCell(node);
  drawCounts();
  drawList();
  drawNode();
  drawWalk();
}

function choose(name, { focus = false } = {}) {
  const before = cells.get(chosen);
  if (before) before.tabIndex = -1;
  chosen = name;
  const made = cells.get(name);
  if (made) {
    for (const each of cells.values()) each.tabIndex = -1;
    made.tabIndex = 0;
    if (focus) made.focus();
  }
  draw();
}

/** From a node to the next one in a direction, over the gaps between roles. */
function move(columns, rows) {
  const here = cells.get(chosen)?.getBoundingClientRect();
  if (!here) return;
  const ahead = [...cells].map(([name, made]) => {
    const there = made.getBoundingClientRect();
    const x = (there.left - here.left) * (columns || 1);
    const y = (there.top - here.top) * (rows || 1);
    return { name, along: columns ? x : y, aside: Math.abs(columns ? y : x) };
  });
  const found = ahead
    .filter((each) => each.along > 2 && (rows || each.aside < 2))
    .sort((a, b) => a.along - b.along || a.aside - b.aside);
  if (found.length) choose(found[0].name, { focus: true });
}

// --- the server -------------------------------------------------------------------------------

function take(news) {
  if (news.nodes) {
    const is = (told) => JSON.stringify([told.roles, told.nodes.map((n) => [n.name, n.role, n.column, n.row])]);
    const other = !board || is(board) !== is(news);
    board = news;
    heardAt = performance.now();
    if (other) lay();
  } else if (board) {
    const changed = new Map(news.changed.map((node) => [node.name, node]));
    board.nodes = board.nodes.map((node) => {
      const next = { ...node, ...changed.get(node.name) };
      return news.heard[node.name] ? { ...next, heard_at: news.heard[node.name] } : next;
    });
    Object.assign(board, { at: news.at, rollout: news.rollout, strangers: news.strangers });
    heardAt = performance.now();
  }
  draw();
}

function contact(words, lost) {
  say("contact", words);
  at("contact").classList.toggle("lost", lost);
}

async function poll() {
  try {
    const answer = await fetch("board.json", { cache: "no-store" });
    if (answer.status === 401 || answer.status === 403) {
      contact("✗ not let in: open the address that flasher serve shows", true);
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    take(await answer.json());
    contact("● asked every two seconds", false);
  } catch {
    contact("✗ no contact: is flasher serve running?", true);
  }
}

function follow() {
  const events = new EventSource("events");
  events.onmessage = (event) => {
    clearInterval(polling);
    polling = 0;
    take(JSON.parse(event.data));
    contact("● live", false);
  };
  events.onerror = () => {
    if (!polling) {
      poll();
      polling = setInterval(poll, POLL_MS);
    }
    if (events.readyState === EventSource.CLOSED) setTimeout(follow, AGAIN_MS);
  };
}

async function blink(node) {
  if (!node?.card_id) return "This node has no card.";
  try {
    const answer = await fetch(`blink/${encodeURIComponent(node.card_id)}`, { method: "POST" });
    return answer.ok ? "" : `The server said no: ${answer.status}.`;
  } catch {
    return "No contact with the server.";
  }
}

// --- the walk test: where to go, and what comes of it, the server knows ------------------------

async function begin() {
  const begun = { order: [], step: 0, standsAt: new Map(), found: null, ended: false, trouble: "" };
  walk = begun;
  drawWalk();
  await ask(begun);
  if (walk !== begun) return;
  begun.order = begun.found?.order ?? [];
  if (here()) goOn();
  else drawWalk();
  at(here() ? "right" : "end").focus();
}

const here = () => (walk?.ended ? undefined : walk?.order[walk.step]);

async function ask(walked) {
  const question = { begin: chosen, stands_at: Object.fromEntries(walked.standsAt) };
  walked.found = null;
  try {
    const answer = await fetch("walk", { method: "POST", body: JSON.stringify(question) });
    if (answer.ok) walked.found = await answer.json();
    else walked.trouble = `The server said no: ${answer.status}.`;
  } catch {
    walked.trouble = "No contact with the server.";
  }
}

async function goOn() {
  const walked = walk;
  const name = here();
  at("elsewhere").hidden = true;
  walked.trouble = "";
  drawWalk();
  if (name) {
    choose(name);
    walked.trouble = await blink(nodeOf(name));
  } else await ask(walked);
  drawWalk();
}

function answer(place) {
  if (place) walk.standsAt.set(here(), place);
  walk.step += 1;
  goOn();
}

function stepBack() {
  if (walk.ended) walk.ended = false;
  else if (walk.step) walk.step -= 1;
  walk.standsAt.delete(walk.order[walk.step]);
  goOn();
}

function drawWalk() {
  at("walking").hidden = !walk;
  if (!walk) return;
  const name = here();
  for (const id of ["right", "other", "unseen", "again"]) at(id).hidden = !name;
  at("command").hidden = Boolean(name) || !walk.found?.command;
  at("back").hidden = !walk.order.length;
  if (name) {
    const node = nodeOf(name);
    say("walk-title", `${node.position || name} (${name})`);
    const blinking = node.blink === "blinking" ? "✱ It blinks now. Is this the node that stands here?" : "It was asked to blink: some seconds.";
    say("walk-words", `Node ${walk.step + 1} of ${walk.order.length}. ${walk.trouble || blinking}`);
    return;
  }
  const unseen = walk.order.slice(0, walk.step).filter((each) => !walk.standsAt.has(each));
  say("walk-title", outcome());
  const empty = walk.found && !walk.order.length ? UNHEARD : "";
  say("walk-words", unseen.length ? `Not seen: ${unseen.join(" ")}` : empty);
  say("command", walk.found?.command ?? "");
}

function outcome() {
  if (walk.trouble) return walk.trouble;
  if (!walk.found) return "Asking the server …";
  if (!walk.order.length) return "No node speaks yet";
  const pairs = walk.found.swaps.map((pair) => pair.join(" ↔ "));
  return pairs.length ? `To put right: ${pairs.join(", ")}` : "No node was seen in another's place";
}

// --- keys and clicks --------------------------------------------------------------------------

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

at("grids").addEventListener("keydown", (event) => {
  if (!MOVES[event.key]) return;
  event.preventDefault();
  if (!chosen) choose(document.activeElement.dataset.name);
  move(...MOVES[event.key]);
});
at("grids").addEventListener("click", (event) => {
  const name = event.target.dataset?.name;
  if (name) choose(name);
});
at("list").addEventListener("click", (event) => {
  const name = event.target.dataset?.listed;
  if (name) choose(name);
});
at("find").addEventListener("submit", (event) => {
  event.preventDefault();
  const node = board && lookUp(at("wanted").value);
  at("wanted").setCustomValidity(node ? "" : "There is no such node.");
  if (!node) {
    at("wanted").reportValidity();
    return;
  }
  at("troubled").checked = false;
  choose(node.name);
  choose(node.name, { focus: true });
});
at("wanted").addEventListener("input", () => at("wanted").setCustomValidity(""));
at("troubled").addEventListener("change", draw);
at("blink").addEventListener("click", async () => {
  const trouble = await blink(nodeOf(chosen));
  if (trouble) say("blinks", trouble);
});
at("walk").addEventListener("click", () => board && begin());
at("right").addEventListener("click", () => answer(here()));
at("unseen").addEventListener("click", () => answer(""));
at("again").addEventListener("click", goOn);
at("back").addEventListener("click", stepBack);
at("other").addEventListener("click", () => {
  at("elsewhere").hidden = false;
  at("place").value = "";
  at("place").focus();
});
at("elsewhere").addEventListener("submit", (event) => {
  event.preventDefault();
  const node = lookUp(at("place").value);
  at("place").setCustomValidity(node ? "" : "There is no such node.");
  if (node) answer(node.name);
  else at("place").reportValidity();
});
at("place").addEventListener("input", () => at("place").setCustomValidity(""));
at("end").addEventListener("click", () => {
  if (walk.ended || !here() || !walk.step) {
    walk = null;
    at("walk").focus();
    drawWalk();
    return;
  }
  walk.ended = true;
  goOn();
});

setInterval(draw, 1000);
follow();
