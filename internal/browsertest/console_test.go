package browsertest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/cachetest"
	"github.com/asidecache/aside/cache/console"
)

// A service has caches, and a console of them at /debug/aside/.
type service struct {
	redis  *cachetest.Server
	caches *cache.Registry
	users  *cache.Cache[int64, string]
	orders *cache.Cache[string, string]
	url    string
}

func newService(t *testing.T, opts ...console.Option) *service {
	t.Helper()
	s := &service{redis: cachetest.NewServer(t), caches: new(cache.Registry)}
	mux := http.NewServeMux()
	mux.Handle("/debug/aside/", console.Handler(s.caches, opts...))
	server := httptest.NewServer(mux)
	s.url = server.URL + "/debug/aside/"
	rdb := s.redis.Client()
	s.users = cache.Must(cache.New(rdb, cache.Config[int64, string]{
		Name: "user", Version: 2, TTL: time.Hour, Near: cache.NearConfig{MaxEntries: 1000}, Registry: s.caches, RedisTimeout: 10 * time.Second,
	}))
	s.orders = cache.Must(cache.New(rdb, cache.Config[string, string]{Name: "order", TTL: 10 * time.Minute, Registry: s.caches, RedisTimeout: 10 * time.Second}))
	t.Cleanup(func() {
		server.Close()
		_ = s.caches.Shutdown(context.Background())
	})
	return s
}

var errDown = errors.New("the database is down")

// work has the service do what a service does, until stop is called.
func (s *service) work(t *testing.T) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	for i := range 3 {
		calls.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				_, _ = s.users.GetOrSet(ctx, int64((n*n)%(7+40*i)), func(ctx context.Context, id int64) (string, error) {
					if id == 3 {
						return "", cache.ErrNotFound
					}
					if id == 9 {
						return "", errDown
					}
					return fmt.Sprint("user ", id), nil
				})
				_, _ = s.orders.GetOrSet(ctx, fmt.Sprint(n%50), func(context.Context, string) (string, error) { return "order", nil })
				if n%40 == 0 {
					_ = s.orders.Delete(ctx, fmt.Sprint(n%50))
				}
				time.Sleep(4 * time.Millisecond)
			}
		})
	}
	return func() {
		cancel()
		calls.Wait()
	}
}

// look checks what is to be right of each page, in light, dark and on a phone, and keeps pictures.
func look(p *Page, name string) {
	p.t.Helper()
	for _, dark := range []bool{false, true} {
		p.Dark(dark)
		theme := map[bool]string{false: "light", true: "dark"}[dark]
		p.CheckContrast()
		p.FullScreenshot("console-" + name + "-" + theme)
	}
	p.Dark(false)
	p.Size(390, 844)
	p.CheckWidth()
	p.CheckContrast()
	p.FullScreenshot("console-" + name + "-phone")
	p.Size(1280, 900)
	p.CheckWidth()
	p.CheckNames()
}

// The list of caches leads to each of them, whose charts move.
func TestConsole(t *testing.T) {
	s := newService(t)
	defer s.work(t)()
	p := Open(t, s.url)
	p.WaitText("main", "2 caches")
	p.Wait(`document.querySelector("tbody tr .spark path").getAttribute("d").split("L").length > 3`)
	look(p, "caches")
	p.Click(`tbody a[href*="user"]`)
	p.WaitText("h1", "user@2")
	end := make(chan struct{})
	var slow sync.WaitGroup
	for range 3 {
		slow.Go(func() {
			_, _ = s.orders.GetOrSet(context.Background(), "slow", func(context.Context, string) (string, error) {
				<-end
				return "v", nil
			})
		})
	}
	p.Go(s.url + "cache?cache=order")
	p.WaitText(`section[aria-label="Loads that run now"]`, "order:slow")
	p.WaitText(`section[aria-label="Loads that run now"]`, "the loader runs")
	before := Eval[string](p, `document.querySelector("figure path.one").getAttribute("d")`)
	p.Wait(fmt.Sprintf(`document.querySelector("figure path.two").getAttribute("d").split("L").length > 3 && document.querySelector("figure path.one").getAttribute("d") !== %q`, before))
	look(p, "cache")
	close(end)
	slow.Wait()
	p.Go(s.url + "cache?cache=user@2")
	p.WaitText(`section[aria-label="Last failures"]`, "the database is down")
	p.Wait(`document.querySelector("figure path.two").getAttribute("d").split("L").length > 3`)
	look(p, "near")
	for _, r := range p.Requests() {
		if !strings.HasPrefix(r, s.url) {
			t.Errorf("it asks for %s", r)
		}
	}
}
