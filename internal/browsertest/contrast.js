// Finds the texts of a page that have too little contrast with what is behind them.
(() => {
	const pixel = Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
		.getContext("2d", { willReadFrequently: true });
	// A color of CSS as red, green, blue and alpha, from 0 to 1.
	const parse = color => {
		pixel.clearRect(0, 0, 1, 1);
		pixel.fillStyle = color;
		pixel.fillRect(0, 0, 1, 1);
		return Array.from(pixel.getImageData(0, 0, 1, 1).data, c => c / 255);
	};
	const over = (top, below) => {
		const a = top[3] + below[3] * (1 - top[3]);
		const mix = i => a ? (top[i] * top[3] + below[i] * below[3] * (1 - top[3])) / a : 0;
		return [mix(0), mix(1), mix(2), a];
	};
	const linear = c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
	const luminance = c => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
	const ratio = (a, b) => {
		const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m);
		return (x + 0.05) / (y + 0.05);
	};
	// What is behind an element, and how much of it shows.
	const behind = element => {
		let color = [0, 0, 0, 0], opacity = 1;
		for (let e = element; e; e = e.parentElement) {
			const style = getComputedStyle(e);
			opacity *= parseFloat(style.opacity);
			if (style.backgroundImage.includes("gradient")) throw new Error("a gradient behind text");
			color = over(color, parse(style.backgroundColor));
		}
		const canvas = getComputedStyle(document.documentElement).colorScheme.includes("dark") &&
			matchMedia("(prefers-color-scheme: dark)").matches ? [0.07, 0.07, 0.07, 1] : [1, 1, 1, 1];
		return { color: over(color, canvas), opacity };
	};
	const shown = e => e.checkVisibility({ opacityProperty: true, visibilityProperty: true });
	const found = { Seen: 0, Poor: [] };
	const judge = (element, text, style) => {
		const { color: back, opacity } = behind(element);
		const value = element instanceof SVGElement ? style.fill : style.color;
		const front = parse(value);
		front[3] *= opacity;
		const size = parseFloat(style.fontSize), bold = parseInt(style.fontWeight) >= 700;
		const least = size >= 24 || bold && size >= 18.66 ? 3 : 4.5;
		const got = ratio(over(front, back), back);
		found.Seen++;
		if (got < least) found.Poor.push({
			Text: text.trim().slice(0, 60), Ratio: got, Least: least, Color: value,
			Background: back.map(c => Math.round(c * 255)).join(","),
			Where: element.tagName + (element.id ? "#" + element.id : "") + "." + (element.className.baseVal ?? element.className),
		});
	};
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n; (n = texts.nextNode());) {
		const e = n.parentElement;
		if (!n.data.trim() || !shown(e) || e.matches("script, style, option, :disabled, :disabled *")) continue;
		judge(e, n.data, getComputedStyle(e));
	}
	for (const e of document.querySelectorAll("input, textarea, select")) {
		if (!shown(e) || e.disabled) continue;
		judge(e, e.value || "a value", getComputedStyle(e));
		if (e.placeholder) judge(e, e.placeholder, getComputedStyle(e, "::placeholder"));
	}
	return found;
})()
