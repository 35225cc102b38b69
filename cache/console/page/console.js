// The page of the console. Whatever it shows came from keys and errors, and is text: nothing is
// ever parsed as HTML.
import { charts, sparkline } from "./charts.js";
import { keyLink, many, nodes, rate, setText, span, text, when } from "./text.js";

const every = 2000, kept = 90; // milliseconds between polls, and samples of them
const main = document.getElementById("main");
let view = null, poll = 0, paused = false, busy = null;

// Samples of the counts of each cache, the last one at the end.
const history = new Map();

function sample(cache, time) {
	const all = history.get(cache.id) ?? [];
	const last = all.at(-1);
	if (last && time <= last.time) return all;
	const s = { time, counts: cache.counts, lookup: cache.lookup, load: cache.load, rates: {} };
	for (const name in cache.counts) {
		const seconds = last ? (time - last.time) / 1000 : 0;
		s.rates[name] = last ? Math.max(cache.counts[name] - last.counts[name], 0) / seconds : null;
	}
	s.rates.lookups = last ? s.rates.near_hits + s.rates.redis_hits + s.rates.misses + s.rates.unanswered : null;
	all.push(s);
	if (all.length > kept) all.shift();
	history.set(cache.id, all);
	return all;
}

const url = (path, parameters) => path + (parameters ? "?" + new URLSearchParams(parameters) : "");
const ask = async (address, options = {}) => {
	const answer = await fetch(address, { ...options, headers: { Accept: "application/json" } });
	const body = await answer.json();
	if (!answer.ok) throw new Error(body.error);
	return body;
};
const keyParameters = (cache, key) => key.base64 ? { cache, key64: key.base64 } : { cache, key: key.text };
const linkTo = cache => key => keyLink(key, url("key", keyParameters(cache, key)));

// The list of all caches.
function overview() {
	const columns = [
		["Cache", c => c.id, "name"], ["Lookups / s", c => c.rates.lookups, "number"], ["", null, "extra"],
		["Hits", c => c.hitRate, "number"], ["p50", c => c.lookup.p50_ns, "number extra"], ["p99", c => c.lookup.p99_ns, "number extra"],
		["Loads / s", c => c.rates.loads, "number extra"], ["Running", c => c.running, "number extra"],
		["Errors", c => c.counts.errors, "number"], ["State", c => c.trouble.length, ""],
	];
	let sorted = 0, down = false, caches = [];
	const rows = new Map();
	const filter = nodes("input", { id: "filter", type: "search", autocomplete: "off", spellcheck: "false" });
	const body = nodes("tbody"), count = nodes("p", { class: "sub" });
	const heads = columns.map(([name, by, kind], i) => nodes("th", { scope: "col", class: kind },
		by ? nodes("button", { type: "button", onclick: () => sortBy(i) }, name) : nodes("span", { class: "unseen" }, "Lookups of the last minutes")));
	const empty = nodes("p", { class: "panel empty", hidden: "" });
	const table = nodes("div", { class: "panel scroll" }, nodes("table", { class: "caches", "aria-label": "Caches" },
		nodes("thead", {}, nodes("tr", {}, ...heads)), body));
	main.replaceChildren(nodes("div", { class: "top" },
		nodes("div", {}, nodes("h1", { tabindex: "-1" }, "Caches"), count),
		nodes("div", { class: "field-small" }, nodes("label", { for: "filter" }, "Filter by name"), filter)), table, empty);

	function sortBy(i) {
		down = sorted === i ? !down : i > 0;
		sorted = i;
		arrange();
	}
	function arrange() {
		heads.forEach((head, i) => i === sorted ? head.setAttribute("aria-sort", down ? "descending" : "ascending") : head.removeAttribute("aria-sort"));
		const by = columns[sorted][1], wanted = filter.value.trim().toLowerCase();
		const order = caches.filter(c => c.id.toLowerCase().includes(wanted));
		order.sort((a, b) => {
			const [x, y] = [by(a) ?? -1, by(b) ?? -1];
			return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1) || a.id.localeCompare(b.id);
		});
		order.forEach((c, i) => {
			const row = rows.get(c.id).row;
			if (body.children[i] !== row) body.insertBefore(row, body.children[i] ?? null);
		});
		while (body.children.length > order.length) body.lastChild.remove();
		table.hidden = order.length === 0;
		empty.hidden = order.length > 0;
		empty.textContent = caches.length ? "No cache has this in its name." : "No cache of the registry is open. A cache enters it by Config.Registry.";
		setText(count, order.length < caches.length ? `${order.length} of ${many(caches.length, "cache")}` : many(caches.length, "cache"));
	}
	function rowOf(c) {
		const cells = columns.map(([, , kind]) => nodes("td", { class: kind }));
		const link = nodes("a", { href: url("cache", { cache: c.id }) }, text(c.id));
		cells[0] = nodes("th", { scope: "row", class: "name" }, link, nodes("small", {}, c.client));
		const spark = sparkline();
		cells[2].append(spark.svg);
		return { row: nodes("tr", {}, ...cells), cells, spark };
	}
	filter.addEventListener("input", arrange);
	return {
		title: "Caches", address: "./",
		show(answer) {
			caches = answer.caches.map(c => {
				const all = sample(c, Date.parse(answer.time));
				const found = c.counts.near_hits + c.counts.redis_hits, looked = found + c.counts.misses + c.counts.unanswered;
				return { ...c, all, rates: all.at(-1).rates, hitRate: looked ? found / looked : null, trouble: trouble(c) };
			});
			const open = new Set(caches.map(c => c.id));
			for (const id of rows.keys()) if (!open.has(id)) rows.delete(id), history.delete(id);
			for (const c of caches) {
				if (!rows.has(c.id)) rows.set(c.id, rowOf(c));
				const { cells, spark } = rows.get(c.id);
				[null, rate(c.rates.lookups), null, c.hitRate === null ? "–" : (c.hitRate * 100).toFixed(1) + " %",
					c.lookup.count ? span(c.lookup.p50_ns) : "–", c.lookup.count ? span(c.lookup.p99_ns) : "–",
					rate(c.rates.loads), c.running.toLocaleString("en"), c.counts.errors.toLocaleString("en"),
				].forEach((shown, i) => shown !== null && setText(cells[i], shown));
				cells[8].classList.toggle("bad", c.counts.errors > 0);
				spark.draw(c.all.map(s => s.rates.lookups));
				badges(cells[9], c);
			}
			arrange();
		},
	};
}

// What of a cache is not as it should be.
function trouble(c) {
	const all = [];
	if (c.breaker === "open") all.push("breaker open");
	if (c.near === "disconnected") all.push("near disconnected");
	if (c.bypassed) all.push("nothing cached");
	if (c.undelivered) all.push(`${c.undelivered} undelivered`);
	return all;
}

function badges(element, c) {
	const all = trouble(c), shown = all.join() || "ok";
	if (element.dataset.shown === shown) return;
	element.dataset.shown = shown;
	element.replaceChildren(nodes("span", { class: "badges" }, ...(all.length ?
		all.map(t => nodes("span", { class: "badge bad" }, t)) : [nodes("span", { class: "badge good" }, "ok")])));
}

// The form that leads to the explanation of a key.
function explainForm(cache, key = "") {
	const input = nodes("input", { id: "key", name: "key", required: "", autocomplete: "off", autocapitalize: "off", spellcheck: "false", placeholder: `${cache.replace(/[@#].*$/, "")}:42, or 42` });
	input.value = key;
	const form = nodes("form", { class: "explain" },
		nodes("div", { class: "field" }, nodes("label", { for: "key" }, "Explain a key"), input),
		nodes("button", { class: "strong" }, "Explain"));
	form.addEventListener("submit", e => {
		e.preventDefault();
		go(url("key", { cache, key: input.value }));
	});
	return form;
}

// A table that is filled again and again; rows are made of cells, which are text or elements.
function tableOf(label, heads, none) {
	const body = nodes("tbody"), empty = nodes("p", { class: "empty" }, none);
	const table = nodes("div", { class: "scroll", hidden: "" }, nodes("table", { "aria-label": label },
		nodes("thead", {}, nodes("tr", {}, ...heads.map(([name, kind]) => nodes("th", { scope: "col", class: kind ?? "" }, name)))), body));
	let shown = "";
	return {
		element: nodes("div", {}, table, empty),
		fill(rows, id) {
			table.hidden = rows.length === 0;
			empty.hidden = rows.length > 0;
			if (id === shown) return; // what has the focus keeps it
			shown = id;
			const focus = body.contains(document.activeElement) ? document.activeElement.textContent : null;
			body.replaceChildren(...rows.map(row => nodes("tr", {}, ...row.map((cell, i) => nodes("td", { class: heads[i][1] ?? "" }, cell)))));
			if (focus !== null) [...body.querySelectorAll("a")].find(a => a.textContent === focus)?.focus();
		},
	};
}

const panel = (title, ...content) => nodes("section", { class: "panel", "aria-label": title }, nodes("h2", {}, title), ...content);
const eventRows = (events, link) => events.map(e => [when(e.at),
	nodes("div", {}, text(e.text), ...(e.key.text ? [nodes("br"), e.times > 1 ? "last of " : "of ", link(e.key)] : [])), e.times.toLocaleString("en")]);
const loadRows = (loads, link) => loads.map(l => [link(l.key), l.phase, span(l.age_ms * 1e6), String(l.waiting)]);
const loadHeads = [["Key"], ["Does"], ["Age", "number"], ["Callers", "number"]];

// One cache.
function cachePage(id) {
	const link = linkTo(id);
	const sub = nodes("p", { class: "sub" }), state = nodes("div"), totals = nodes("dl"), near = nodes("dl", { class: "wide" });
	const drawn = [
		charts("Lookups a second", rate, [["near_hits", "near"], ["redis_hits", "Redis"], ["misses", "misses"], ["unanswered", "unanswered"]]),
		charts("Loads a second", rate, [["loads", "loads"], ["shared", "shared"], ["fenced", "fenced"], ["errors", "errors"]]),
		charts("Latency of lookups", span, [["p50", "p50"], ["p99", "p99"]]),
		charts("Latency of loads", span, [["p50", "p50"], ["p99", "p99"]]),
	];
	const loads = tableOf("Loads that run now", loadHeads, "No load is under way.");
	const hot = tableOf("Hot keys", [["Key"], ["Share", "number"], ["Lookups / s", "number"]], "No key stands out.");
	const failures = tableOf("Last failures", [["Last", "time"], ["What"], ["Times", "number"]], "Nothing has failed since the service began.");
	const more = nodes("p", { class: "sub", hidden: "" });
	main.replaceChildren(
		nodes("div", { class: "top" }, nodes("div", {}, nodes("h1", { tabindex: "-1" }, text(id)), sub, state), explainForm(id)),
		nodes("div", { class: "grid" },
			...drawn.map(c => nodes("div", { class: "panel" }, c.figure)),
			nodes("section", { class: "panel whole", "aria-label": "Since the cache was made" }, nodes("h2", {}, "Since the cache was made"), totals),
			panel("Loads that run now", loads.element, more), panel("Hot keys", hot.element),
			panel("Breaker and near cache", near), panel("Last failures", failures.element)));
	return {
		title: id, address: url("cache", { cache: id }), crumbs: [[id]],
		show(answer) {
			const all = sample(answer, Date.parse(answer.time)), s = answer.stats;
			setText(sub, answer.client);
			badges(state, answer);
			drawn[0].draw(all.map(x => x.rates));
			drawn[1].draw(all.map(x => x.rates));
			drawn[2].draw(all.map(x => quantiles(x.lookup)));
			drawn[3].draw(all.map(x => quantiles(x.load)));
			facts(totals, [["Hits", s.Hits], ["of them near", s.NearHits - s.NearAbsentHits], ["Source has none", s.AbsentHits], ["Misses", s.Misses],
				["Unanswered", s.Unanswered], ["Loads", s.Loads], ["Shared", s.Shared], ["Refreshes", s.Refreshes], ["Stale hits", s.StaleHits],
				["Stores", s.Stores], ["Fenced", s.Fenced], ["Failed loads", s.LoadErrors], ["Redis errors", s.RedisErrors], ["Broken", s.Broken],
			].map(([name, n]) => [name, n.toLocaleString("en")]));
			facts(near, [
				["Breaker", answer.breaker === "open" ? "open: Redis is not asked" : "closed: Redis is asked"],
				["It has opened", s.BreakerOpened === 1 ? "once" : s.BreakerOpened.toLocaleString("en") + " times"],
				["Near cache", { off: "none", "ttl only": "by TTL alone", connected: "connected: told of each write", disconnected: "disconnected: serves nothing" }[answer.near]],
				["Near entries", `${s.NearEntries.toLocaleString("en")}, about ${Math.ceil(s.NearBytes / 1024).toLocaleString("en")} KB`],
				["Invalidated", s.NearInvalidations.toLocaleString("en")], ["Evicted", s.NearEvictions.toLocaleString("en")],
				["Undelivered deletes", s.Undelivered.toLocaleString("en")],
			]);
			loads.fill(loadRows(answer.loads, link), JSON.stringify(answer.loads));
			more.hidden = answer.running <= answer.loads.length;
			setText(more, `and ${answer.running - answer.loads.length} younger ones`);
			hot.fill(answer.hot_keys.map(k => [link(k.key), (k.share * 100).toFixed(1) + " %", rate(k.per_second)]), JSON.stringify(answer.hot_keys));
			failures.fill(eventRows(answer.failures, link), JSON.stringify(answer.failures));
		},
	};
}

const quantiles = q => q.count ? { p50: q.p50_ns, p99: q.p99_ns } : { p50: null, p99: null };

function facts(list, all) {
	const names = all.map(([name]) => name).join();
	if (list.dataset.names !== names) {
		list.dataset.names = names;
		list.replaceChildren(...all.map(([name]) => nodes("div", {}, nodes("dt", {}, name), nodes("dd"))));
		if (list.className === "wide") list.replaceChildren(...all.flatMap(([name]) => [nodes("dt", {}, name), nodes("dd")]));
	}
	[...list.querySelectorAll("dd")].forEach((dd, i) => all[i][1] instanceof Node ? dd.replaceChildren(all[i][1]) : setText(dd, all[i][1]));
}

// Why a key is as it is.
function keyPage(id, parameters) {
	const title = nodes("h1", { tabindex: "-1", class: "key-title" }), sub = nodes("p", { class: "sub" });
	const says = nodes("ul", { class: "says" }), process = nodes("ul", { class: "says" });
	const redis = nodes("dl", { class: "wide" }), shown = nodes("pre", { class: "key" });
	const value = panel("Value", shown), invalidate = nodes("button", { type: "button", class: "danger", hidden: "" }, "Invalidate…");
	const events = tableOf("What this process did with it", [["When", "time"], ["What"]], "This process has done nothing with the key lately. From now on its lookups are noted as well.");
	const loads = tableOf("Loads of the key", loadHeads, "");
	const loading = panel("Loads of the key that run now", loads.element);
	value.hidden = true;
	const dialog = nodes("dialog", { "aria-labelledby": "sure" }), named = nodes("span", { class: "key" });
	const cancel = nodes("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
	const sure = nodes("button", { type: "button", class: "danger", onclick: remove }, "Invalidate");
	dialog.append(nodes("h2", { id: "sure" }, "Invalidate the key?"), nodes("p", {}, named),
		nodes("p", {}, "Its value is deleted, in Redis and in all near caches. The next call loads it anew."), nodes("div", { class: "actions" }, cancel, sure));
	invalidate.addEventListener("click", () => dialog.showModal());
	main.replaceChildren(
		nodes("div", { class: "top" }, nodes("div", {}, title, sub), explainForm(id, parameters.get("key") ?? "")),
		nodes("div", { class: "grid" },
			nodes("section", { class: "panel whole", "aria-label": "Explanation", id: "explanation" }, says),
			panel("In Redis", redis), panel("In this process", process), loading, value,
			nodes("section", { class: "panel whole", "aria-label": "Events" }, nodes("h2", {}, "What this process did with it, the last first"), events.element),
			nodes("div", { class: "whole" }, invalidate)), dialog);
	loading.classList.add("whole");
	value.classList.add("whole");
	let key = null;
	async function remove() {
		dialog.close();
		try {
			await ask("invalidate", { method: "POST", body: new URLSearchParams(keyParameters(id, key)) });
			say("The key has been invalidated.");
			again();
		} catch (e) {
			fail(e.message);
		}
	}
	const items = (list, all) => {
		if (list.dataset.shown === JSON.stringify(all)) return;
		list.dataset.shown = JSON.stringify(all);
		list.replaceChildren(...all.map(s => nodes("li", {}, text(s))));
	};
	return {
		title: "Key", address: url("key", parameters), crumbs: [[id, url("cache", { cache: id })], ["key"]],
		show(answer) {
			key = answer.key.cut ? { text: parameters.get("key") } : answer.key;
			if (parameters.get("key64")) key = { base64: parameters.get("key64") };
			const shownKey = text(answer.key.text) + (answer.key.cut ? "…" : "");
			setText(title, shownKey);
			setText(named, shownKey);
			setText(sub, `a key of ${text(id)}`);
			invalidate.hidden = !answer.invalidate;
			const r = answer.redis;
			items(says, r ? r.sentences.filter(s => !s.startsWith("  ")) : [answer.error]);
			items(process, answer.sentences.length ? answer.sentences : ["Nothing of the key is in this process now."]);
			facts(redis, r ? redisFacts(r) : [["Redis", "not known"]]);
			value.hidden = !answer.values || !r?.value;
			setText(shown, (r?.value?.shown ?? []).map(p => (p.name ? text(p.name) + ": " : "") + text(p.value)).join("\n") || "(not shown)");
			loading.hidden = answer.loads.length === 0;
			loads.fill(loadRows(answer.loads, k => nodes("span", { class: "key" }, text(k.text))), JSON.stringify(answer.loads));
			events.fill(answer.events.map(e => [when(e.at), text(e.text)]), JSON.stringify(answer.events));
		},
	};
}

function redisFacts(r) {
	const left = ms => ms === undefined ? "not known" : ms < 0 ? "does not expire" : span(ms * 1e6);
	const v = r.value, all = [["Value", v ? "there" : "none"]];
	if (v) {
		all.push(["Type", v.type + (v.encoding ? ", looks like " + v.encoding : "")]);
		if (v.count !== undefined) all.push(["Elements", v.count.toLocaleString("en")]);
		if (v.bytes !== undefined) all.push(["Size", many(v.bytes, "byte")]);
		if (v.memory !== undefined) all.push(["Memory", "about " + many(v.memory, "byte")]);
		all.push(["Life", left(v.ttl_ms)]);
	}
	if (r.control) {
		const state = { none: "not there", absent: "the source has none", empty: "the value is empty", leased: "leased: a process loads", ignored: "counts as nothing", refused: "may not be read" };
		all.push(["Control key", nodes("span", { class: "key" }, text(r.control.key))], ["It says", state[r.control.state] + (r.control.ttl_ms >= 0 ? ", for " + span(r.control.ttl_ms * 1e6) : "")]);
	}
	all.push(["Other versions", r.versions?.map(o => `${o.version || "none"} (${text(o.key)})`).join(", ") ?? "none"]);
	if (r.cluster) all.push(["Cluster", `slot ${r.cluster.slot}${r.cluster.master ? ", " + r.cluster.master : ""}`]);
	return all;
}

// Polling and navigation.
const say = what => setText(document.getElementById("said"), what);
function fail(why) {
	const p = document.getElementById("problem");
	p.hidden = !why;
	setText(p, text(why ?? ""));
}
function live(how, what) {
	document.getElementById("live").className = how;
	setText(document.getElementById("live-text"), what);
}

async function again() {
	clearTimeout(poll);
	busy?.abort();
	const mine = view, abort = busy = new AbortController();
	try {
		const answer = await ask(view.address, { signal: abort.signal });
		if (mine !== view) return;
		fail("");
		view.show(answer);
		live("live", "live");
	} catch (e) {
		if (abort.signal.aborted) return;
		fail(e instanceof TypeError || e instanceof SyntaxError ? "The service does not answer." : e.message);
		live("lost", "not connected");
	}
	if (paused || document.hidden) live("", "paused");
	else poll = setTimeout(again, every);
}

function show() {
	const last = location.pathname.split("/").pop(), parameters = new URLSearchParams(location.search), id = parameters.get("cache") ?? "";
	view = last === "key" ? keyPage(id, parameters) : last === "cache" ? cachePage(id) : overview();
	document.title = `${text(view.title)} · aside console`;
	document.getElementById("crumbs").replaceChildren(...(view.crumbs ?? []).flatMap(([name, href]) =>
		[nodes("span", { "aria-hidden": "true" }, "/"), href ? nodes("a", { href }, text(name)) : nodes("span", {}, text(name))]));
	fail("");
	again();
}

function go(address) {
	window.history.pushState(null, "", address);
	show();
	window.scrollTo(0, 0);
	main.querySelector("h1")?.focus();
}

document.addEventListener("click", e => {
	const a = e.target.closest("a[href]");
	if (!a || e.button || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey || a.hash) return;
	e.preventDefault();
	go(a.href);
});
window.addEventListener("popstate", show);
document.addEventListener("visibilitychange", () => document.hidden || paused ? clearTimeout(poll) : again());
document.getElementById("pause").addEventListener("click", e => {
	paused = !paused;
	e.target.setAttribute("aria-pressed", paused);
	setText(e.target, paused ? "Resume" : "Pause");
	again();
});
show();
