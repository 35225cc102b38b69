package browsertest

import (
	"strings"

	"github.com/chromedp/cdproto/accessibility"
)

// A Focus is the element that has the focus.
type Focus struct {
	Name    string // its label or text
	Tag     string // in lower case
	ID      string
	Visible bool // it looks different than without the focus, and is in the window
}

// TabOrder presses the tab key from the start of the page until the focus has left the page or
// has come back, and returns what has had it. Each is to be seen to have it.
func (p *Page) TabOrder() (order []Focus) {
	p.t.Helper()
	Eval[bool](p, "document.activeElement?.blur(), getSelection().removeAllRanges(), scrollTo(0, 0), true")
	seen := map[string]bool{}
	for range 500 {
		p.Press(Tab)
		f := Eval[struct {
			Focus
			Path string
		}](p, focus)
		if f.Path == "" || seen[f.Path] {
			return order
		}
		seen[f.Path] = true
		if !f.Visible {
			p.t.Errorf("nobody sees that %s %q has the focus", f.Tag, f.Name)
		}
		order = append(order, f.Focus)
	}
	p.t.Error("the tab order does not end")
	return order
}

// focus describes the element that has the focus.
const focus = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body || e === document.documentElement) return {Path: ""};
	let path = "";
	for (let n = e; n.parentElement; n = n.parentElement) {
		path = "/" + [...n.parentElement.children].indexOf(n) + path;
	}
	const box = e.getBoundingClientRect(), style = getComputedStyle(e);
	const marked = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1 || style.boxShadow !== "none";
	return {
		Path: path, Tag: e.tagName.toLowerCase(), ID: e.id,
		Name: (e.getAttribute("aria-label") ?? e.labels?.[0]?.innerText ?? e.innerText ?? "").trim(),
		Visible: e.matches(":focus-visible") && marked &&
			box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth,
	};
})()`

// CheckNames fails the test for each control, picture and region that a screen reader cannot name.
func (p *Page) CheckNames() {
	p.t.Helper()
	needs := "button link textbox searchbox combobox checkbox radio slider switch img image table dialog region navigation"
	tree := call(p, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	for _, n := range tree.Nodes {
		if n.Ignored || n.Role == nil {
			continue
		}
		role := strings.Trim(string(n.Role.Value), `"`)
		if !strings.Contains(" "+needs+" ", " "+role+" ") {
			continue
		}
		if n.Name == nil || strings.Trim(string(n.Name.Value), `" `) == "" {
			p.t.Errorf("a %s has no name: node %d", role, n.BackendDOMNodeID)
		}
	}
}
