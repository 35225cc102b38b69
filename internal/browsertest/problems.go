package browsertest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// problems collects what a page asks for, and what it writes to the console.
type problems struct {
	host string // of the page

	mu       sync.Mutex // guards all below
	found    []string
	requests []string
	allowed  []string
}

// listen is called for each event of the tab.
func (p *problems) listen(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.request(e.Request.URL)
	case *network.EventWebSocketCreated:
		p.request(e.URL)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			var said []string
			for _, arg := range e.Args {
				said = append(said, strings.TrimSpace(string(arg.Value)+" "+arg.Description))
			}
			p.add("the page says: " + strings.Join(said, " "))
		}
	case *runtime.EventExceptionThrown:
		d := e.ExceptionDetails
		text := d.Text
		if d.Exception != nil {
			text += " " + d.Exception.Description
		}
		p.add(fmt.Sprintf("a script throws: %s (%s:%d)", text, d.URL, d.LineNumber+1))
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			p.add(fmt.Sprintf("the browser says: %s %s", e.Entry.Text, e.Entry.URL))
		}
	}
}

func (p *problems) request(address string) {
	p.mu.Lock()
	p.requests = append(p.requests, address)
	p.mu.Unlock()
	u, err := url.Parse(address)
	if err != nil || u.Host != p.host && u.Scheme != "data" && u.Scheme != "blob" && u.Scheme != "about" {
		p.add("the page asks another host: " + address)
	}
}

func (p *problems) add(problem string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.found = append(p.found, problem)
}

func (p *problems) allow(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.allowed = append(p.allowed, text)
}

func (p *problems) requested() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// all returns what is not allowed.
func (p *problems) all() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, problem := range p.found {
		if !slices.ContainsFunc(p.allowed, func(text string) bool { return strings.Contains(problem, text) }) {
			all = append(all, problem)
		}
	}
	return all
}
