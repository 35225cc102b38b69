package browsertest

import (
	"context"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// limit is when a test is given up that waits for something.
const limit = time.Minute

// A Page is a tab of the browser. Its methods end the test when the browser fails them.
type Page struct {
	t        testing.TB
	ctx      context.Context
	problems problems
}

// Open opens a page in a new tab, in a light window of 1280 by 900. It returns once the page is
// loaded, which need not mean that its scripts have shown all.
func Open(t testing.TB, address string) *Page {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	p := &Page{t: t}
	p.problems.host = parsed.Host
	ctx, end := chromedp.NewContext(started(t), chromedp.WithNewBrowserContext(),
		chromedp.WithListener(p.problems.listen))
	if err := chromedp.Do(ctx); err != nil { // opens the tab, which would end with a limit
		t.Fatal(err)
	}
	bounded, endLimit := context.WithTimeout(ctx, limit)
	p.ctx = bounded
	t.Cleanup(func() {
		endLimit()
		end()
		for _, problem := range p.problems.all() {
			t.Error(problem)
		}
	})
	p.Size(1280, 900)
	p.Dark(false)
	p.Go(address)
	return p
}

// Go loads another address.
func (p *Page) Go(address string) {
	p.t.Helper()
	p.run(chromedp.Navigate(address))
}

// Requests returns the addresses that the page has asked for so far.
func (p *Page) Requests() []string { return p.problems.requested() }

// Allow has the page write what holds the text to the console without failing the test, and lets
// requests fail of which the console says so.
func (p *Page) Allow(text string) { p.problems.allow(text) }

// Click clicks the first element that a CSS selector finds, once that can be seen.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.run(chromedp.Click(chromedp.CSS(selector)))
}

// Type types text into the first element that a CSS selector finds.
func (p *Page) Type(selector, text string) {
	p.t.Helper()
	p.run(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Keys for Press.
const (
	Tab    = kb.Tab
	Enter  = kb.Enter
	Escape = kb.Escape
)

// Press presses keys, one after the other, wherever the focus is.
func (p *Page) Press(keys string) {
	p.t.Helper()
	p.run(chromedp.KeyEvent(keys))
}

// Text returns the text of the first element that a CSS selector finds, as it is shown.
func (p *Page) Text(selector string) string {
	p.t.Helper()
	return Eval[string](p, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", selector))
}

// Wait returns once a JavaScript expression is true. It ends the test when that takes a minute.
func (p *Page) Wait(expression string) {
	p.t.Helper()
	for !Eval[bool](p, "!!("+expression+")") {
		select {
		case <-p.ctx.Done():
			p.t.Fatalf("this did not come true: %s\nthe page says:\n%s", expression, p.lastText())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// lastText is the text of a page whose time is over.
func (p *Page) lastText() string {
	ctx, end := context.WithTimeout(context.WithoutCancel(p.ctx), 5*time.Second)
	defer end()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		return err.Error()
	}
	return text
}

// WaitText returns once the first element that a CSS selector finds shows a text.
func (p *Page) WaitText(selector, text string) {
	p.t.Helper()
	p.Wait(fmt.Sprintf("document.querySelector(%q)?.innerText.includes(%q)", selector, text))
}

// Eval returns the value of a JavaScript expression, that of a promise once it has one.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil && p.ctx.Err() == nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func (p *Page) run(action chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, action); err != nil {
		p.t.Fatal(err)
	}
}

// call calls a command of the DevTools protocol.
func call[P, R any](p *Page, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	r, err := chromedp.Call(p.ctx, command, params)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}
