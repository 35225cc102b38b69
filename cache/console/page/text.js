// Texts and elements. What is shown goes through text(), so that a key cannot hide or turn around
// what stands beside it.

// Characters that change how a line looks and are not seen themselves.
const unseen = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu;

export const text = s => String(s).replace(unseen, c => c === "\n" ? "\u23ce" : "\\u{" + c.codePointAt(0).toString(16) + "}");

// nodes makes an element. Children are elements and text.
export function nodes(tag, attributes = {}, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
		else element.setAttribute(name, value);
	}
	element.append(...children);
	return element;
}

// setText changes an element that shows something else, so that a selection stays.
export function setText(element, shown) {
	if (element.textContent !== shown) element.textContent = shown;
}

// keyLink leads to the explanation of a key, unless there is more of it than is known.
export function keyLink(key, href) {
	const shown = text(key.text) + (key.cut ? "…" : "");
	return key.cut ? nodes("span", { class: "key" }, shown) : nodes("a", { class: "key", href }, shown);
}

export const many = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;

// rate shows how much there is of something in a second.
export function rate(n) {
	if (n === null || n === undefined) return "–";
	if (n === 0) return "0";
	return n < 10 ? n.toFixed(1) : Math.round(n).toLocaleString("en");
}

// span shows nanoseconds.
export function span(ns) {
	if (ns === null || ns === undefined) return "–";
	const units = [[1e3, "ns", 1], [1e6, "µs", 1e3], [1e9, "ms", 1e6], [120e9, "s", 1e9], [7200e9, "min", 60e9], [172800e9, "h", 3600e9], [Infinity, "days", 86400e9]];
	const [, unit, size] = units.find(([below]) => ns < below), n = ns / size;
	return `${n < 10 && n % 1 ? n.toFixed(1) : Math.round(n)} ${unit}`;
}

// when shows a time of today, or a day with its time.
export function when(at) {
	const date = new Date(at), today = new Date().toDateString() === date.toDateString();
	const time = date.toLocaleTimeString("en-GB");
	return nodes("time", { datetime: at }, today ? time : date.toISOString().slice(0, 10) + " " + time);
}
