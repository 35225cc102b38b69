package demo

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"sync"
	"time"
)

//go:embed page
var pageFiles embed.FS

// A page shows what the demo does, and does what its buttons say.
type page struct {
	demo   *Demo
	client *http.Client
	aside  *arm
	plain  *arm
	load   load
	base   string

	ctx    context.Context // ends with the demo
	cancel context.CancelFunc
	works  sync.WaitGroup
	acting sync.Mutex // held by the one action that runs

	mu      sync.Mutex // guards all below
	second  *instance
	other   counts // its last known ones
	gone    counts // of those that have ended
	delay   time.Duration
	samples []sample
	events  []event
	last    totals
}

// usual is how many requests each service gets a second.
const usual = 200

func newPage(d *Demo) *page {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy, transport.MaxIdleConns, transport.MaxIdleConnsPerHost = nil, 0, 1000
	p := &page{demo: d, client: &http.Client{Transport: transport}, delay: normal}
	p.aside, p.plain = newArm("", p.client), newArm("/plain", p.client)
	p.load = load{arms: []*arm{p.aside, p.plain}, bases: p.bases}
	p.load.rate.Store(usual)
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// routes adds the page and what it asks for.
func (p *page) routes(mux *http.ServeMux) {
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(err) // the files are in the program
	}
	static := http.StripPrefix("/demo/", http.FileServerFS(files))
	mux.Handle("GET /{$}", http.RedirectHandler("/demo/", http.StatusFound))
	mux.Handle("GET /demo/", secure(static))
	mux.HandleFunc("GET /demo/state", p.serveState)
	mux.HandleFunc("POST /demo/do/{action}", p.serveAction)
}

// secure lets the page load nothing but its own files.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; "+
			"style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "+
			"form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}

func (p *page) start(base string) {
	p.base = base
	p.say("200 requests a second go to each of the two services, 88 of 100 to read users.")
	p.works.Go(func() { p.load.run(p.ctx) })
	p.works.Go(p.watch)
}

func (p *page) stop() {
	p.cancel()
	p.works.Wait()
	p.acting.Lock() // the last action has seen that the demo ends
	defer p.acting.Unlock()
	p.client.CloseIdleConnections() // a server waits for those that were never used
	if i := p.instance(); i != nil {
		i.stop()
	}
}

// bases are the addresses of the instances.
func (p *page) bases() []string {
	if i := p.instance(); i != nil {
		return []string{p.base, i.base}
	}
	return []string{p.base}
}

func (p *page) instance() *instance {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.second
}

// An event is a line of the log.
type event struct {
	N    int    `json:"n"`
	Time string `json:"time"`
	Text string `json:"text"`
}

// shown is how many events the page shows.
const shown = 8

func (p *page) say(format string, args ...any) string {
	text := fmt.Sprintf(format, args...)
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 1
	if len(p.events) > 0 {
		n = p.events[len(p.events)-1].N + 1
	}
	p.events = append(p.events, event{n, time.Now().Format("15:04:05"), text})
	p.events = p.events[max(0, len(p.events)-shown):]
	return text
}
