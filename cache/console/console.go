package console

import (
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/asidecache/aside/cache"
)

// An Option changes what a Handler permits.
type Option func(*console)

// AllowInvalidate permits to delete keys of the caches, one at a time.
func AllowInvalidate() Option { return func(c *console) { c.invalidates = true } }

// ShowValues has explanations of keys show the values in Redis, or the beginning of them.
func ShowValues() Option { return func(c *console) { c.showsValues = true } }

// A console is the state behind a Handler.
type console struct {
	registry    *cache.Registry
	invalidates bool
	showsValues bool

	recorders sync.Map // of *recorder, by cache.Member

	mu       sync.Mutex // guards all below
	names    map[cache.Member]string
	watching *time.Timer // ends the observation of lookups; nil: there is none
}

// Handler returns the console of the caches of a registry, including those that enter it later. It
// observes them as long as the registry lasts.
func Handler(registry *cache.Registry, opts ...Option) http.Handler {
	return http.NewCrossOriginProtection().Handler(newConsole(registry, opts...))
}

func newConsole(registry *cache.Registry, opts ...Option) *console {
	c := &console{registry: registry, names: make(map[cache.Member]string)}
	for _, opt := range opts {
		opt(c)
	}
	registry.Observe(func(m cache.Member) cache.Observer {
		observer := c.recorder(m).observer()
		c.caches() // forgets closed caches, even if nobody ever opens the page
		return observer
	})
	return c
}

// ServeHTTP routes by the last element of the path, as the handler may be mounted anywhere.
func (c *console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	harden(w.Header())
	folder, last := path.Split(r.URL.Path)
	if asked, _, _ := strings.Cut(r.RequestURI, "?"); folder+last == "" && !strings.HasSuffix(asked, "/") {
		// StripPrefix has left nothing of a path without a slash, below which relative links break.
		w.Header().Set("Location", "./"+path.Base(asked)+"/") // relative: never another host
		w.WriteHeader(http.StatusMovedPermanently)
		return
	}
	method, answer := http.MethodGet, http.HandlerFunc(nil)
	switch last {
	case "":
		answer = c.pageOr(c.overview)
	case "cache":
		answer = c.pageOr(c.one)
	case "key":
		answer = c.pageOr(c.explain)
	case "invalidate":
		method, answer = http.MethodPost, c.invalidate
	default:
		if answer = asset(last); answer == nil {
			fail(w, http.StatusNotFound, "the console has no such page")
			return
		}
	}
	if r.Method != method && (r.Method != http.MethodHead || method != http.MethodGet) {
		w.Header().Set("Allow", method)
		fail(w, http.StatusMethodNotAllowed, "use "+method)
		return
	}
	answer(w, r)
}

// harden has a browser trust the page with no more than it needs.
func harden(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "+
		"img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
