// Charts of what was sampled, drawn by hand.
import { nodes, setText } from "./text.js";

const width = 600, height = 132, space = 4;
const classes = ["one", "two", "three", "four"];

function draw(tag, attributes, ...children) {
	const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
	for (const name in attributes) element.setAttribute(name, attributes[name]);
	element.append(...children);
	return element;
}

// across is how many of so many samples, of two seconds each, a chart has room for.
const across = samples => Math.max(Math.ceil(samples / 30), 1) * 30;

// line is the path of values, the last one at the right; a null is a gap.
function line(values, top, w = width, h = height) {
	const most = across(values.length);
	let path = "", pen = "M";
	values.forEach((v, i) => {
		if (v === null || v === undefined) {
			pen = "M";
			return;
		}
		const x = w - (values.length - 1 - i) * w / (most - 1), y = h - space - (top ? v / top : 0) * (h - 2 * space);
		path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
		pen = "L";
	});
	return path;
}

// roundUp returns the end of an axis: 1, 2 or 5 and noughts.
function roundUp(v) {
	if (!(v > 0)) return 1;
	const ten = 10 ** Math.floor(Math.log10(v));
	return [1, 2, 5, 10].find(n => n * ten >= v) * ten;
}

// charts makes a chart of several series, each with a name and a label.
export function charts(title, format, series) {
	const paths = series.map((_, i) => draw("path", { class: classes[i] }));
	const lines = [0, 0.5, 1].map(at => draw("path", { class: "grid-line", d: `M0 ${space + at * (height - 2 * space)}H${width}` }));
	const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": title }, ...lines, ...paths);
	const top = nodes("span", { class: "most" }), from = nodes("span"), values = series.map(() => nodes("b"));
	const legend = nodes("ul", { class: "legend" }, ...series.map(([, label], i) => nodes("li", {},
		draw("svg", { viewBox: "0 0 20 6", "aria-hidden": "true" }, draw("path", { class: classes[i], d: "M0 3H20" })), label, values[i])));
	const figure = nodes("figure", {}, nodes("figcaption", {}, nodes("h2", {}, title)),
		nodes("div", { class: "plot" }, svg, top), nodes("div", { class: "axis", "aria-hidden": "true" }, from, nodes("span", {}, "now")), legend);
	return {
		figure,
		draw(samples) {
			const end = roundUp(Math.max(...samples.flatMap(s => series.map(([name]) => s[name] ?? 0))));
			series.forEach(([name], i) => {
				paths[i].setAttribute("d", line(samples.map(s => s[name]), end));
				setText(values[i], format(samples.at(-1)?.[name]));
			});
			setText(top, format(end));
			setText(from, `${across(samples.length) / 30} min ago`);
			svg.setAttribute("aria-label", `${title}, at most ${format(end)}: ` + series.map(([, label], i) => `${label} ${values[i].textContent}`).join(", "));
		},
	};
}

// sparkline makes a chart of one series that stands in a table.
export function sparkline() {
	const path = draw("path", { class: "one" });
	const svg = draw("svg", { class: "spark", viewBox: "0 0 108 26", preserveAspectRatio: "none", "aria-hidden": "true" }, path);
	return {
		svg,
		draw: values => path.setAttribute("d", line(values, Math.max(...values.map(v => v ?? 0)), 108, 26)),
	};
}
