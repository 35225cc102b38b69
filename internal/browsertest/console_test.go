package browsertest

import (
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

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
	url    string // of the console
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
					time.Sleep(time.Duration(2+id%9) * time.Millisecond) // as a database does
					if id == 3 {
						return "", cache.ErrNotFound
					}
					if id == 9 && n%5 == 0 {
						return "", errDown
					}
					return fmt.Sprint("user ", id), nil
				})
				_, _ = s.orders.GetOrSet(ctx, fmt.Sprint(n%50), func(context.Context, string) (string, error) { return "order", nil })
				if n%40 == 0 {
					_ = s.orders.Delete(ctx, fmt.Sprint(n%50))
				}
				if n%9 == 0 {
					_ = s.users.Delete(ctx, int64(n%16))
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

// waitSamples polls until charts have so many samples.
func waitSamples(p *Page, chart string, samples int) {
	p.t.Helper()
	for range samples {
		Eval[bool](p, `document.querySelector("#pause").click(), document.querySelector("#pause").click(), true`) // which polls
		p.WaitText("#live-text", "live")
	}
	p.Wait(fmt.Sprintf(`(document.querySelector(%q)?.getAttribute("d") ?? "").split("L").length > %d`, chart, min(samples-2, 2)))
}

// The list of caches leads to each of them, whose charts move.
func TestConsole(t *testing.T) {
	s := newService(t)
	defer s.work(t)()
	p := Open(t, s.url)
	p.WaitText("main", "2 caches")
	waitSamples(p, ".spark path", 5)
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
	waitSamples(p, "figure path.two", 5)
	before := Eval[string](p, `document.querySelector("figure path.two").getAttribute("d")`)
	p.Wait(fmt.Sprintf(`document.querySelector("figure path.two").getAttribute("d") !== %q`, before)) // by itself
	look(p, "cache")
	close(end)
	slow.Wait()
	p.Go(s.url + "cache?cache=user@2")
	p.WaitText(`section[aria-label="Last failures"]`, "the database is down")
	waitSamples(p, "figure path.two", 5)
	look(p, "near")
	for _, r := range p.Requests() {
		if !strings.HasPrefix(r, s.url) {
			t.Errorf("it asks for %s", r)
		}
	}
}

var readme = flag.String("readme", "", "a file for the README's picture of the console")

// The README has a picture of the console, which -readme writes.
func TestREADME(t *testing.T) {
	if *readme == "" {
		t.Skip("-readme names no file")
	}
	s := newService(t)
	defer s.work(t)()
	p := Open(t, s.url+"cache?cache=user@2")
	p.Size(1120, 700)
	for range 28 {
		time.Sleep(400 * time.Millisecond) // so that the charts have something to show
		waitSamples(p, "figure path", 1)
	}
	Eval[bool](p, "document.activeElement.blur(), true")
	if err := os.WriteFile(*readme, p.PNG(false), 0o644); err != nil {
		t.Fatal(err)
	}
}

// explained opens the explanation of a key and waits for what it says.
func (s *service) explained(p *Page, cache, key string, says ...string) {
	p.t.Helper()
	p.Go(s.url + "key?" + url.Values{"cache": {cache}, "key": {key}}.Encode())
	for _, text := range says {
		p.WaitText("main", text)
	}
}

// Explanations tell how a key is, in each of its states.
func TestExplain(t *testing.T) {
	s := newService(t, console.AllowInvalidate(), console.ShowValues())
	ctx := t.Context()
	other := redis.NewClient(s.redis.Options())
	defer other.Close()
	elsewhere := cache.Must(cache.New(other, cache.Config[int64, string]{Name: "user", Version: 2, TTL: time.Hour, RedisTimeout: 10 * time.Second}))
	older := cache.Must(cache.New(other, cache.Config[int64, string]{Name: "user", Version: 1, TTL: time.Hour, RedisTimeout: 10 * time.Second}))
	defer elsewhere.Close()
	defer older.Close()
	p := Open(t, s.url+"cache?cache=user@2")

	p.Type("#key", "1")
	p.Press(Enter)
	p.WaitText("#explanation", "There is no value.")
	p.WaitText("#explanation", "A GetOrSet loads it.")
	p.WaitText("main", "This process has done nothing with the key lately")

	end, loading := make(chan struct{}), make(chan struct{})
	var loads sync.WaitGroup
	slow := func(context.Context, int64) (string, error) {
		close(loading)
		<-end
		return "ann", nil
	}
	loads.Go(func() { _, _ = elsewhere.GetOrSet(context.Background(), 1, slow) })
	<-loading
	loads.Go(func() { _, _ = s.users.GetOrSet(context.Background(), 1, slow) })
	s.explained(p, "user@2", "user:1", "a process loads the value; it is leased for", "A GetOrSet waits for that load.",
		"In this process it is being loaded", "another process loads", "1 caller waits")
	look(p, "leased")
	close(end)
	loads.Wait()
	for range 3 {
		if _, _, err := s.users.Get(ctx, 1); err != nil {
			t.Fatal(err)
		}
	}
	s.explained(p, "user@2", "user@2{user:1}", "There is a value: a string of 3 bytes", "The near cache of this process has it",
		"A GetOrSet gets this value.", "ann")

	_, _ = s.users.GetOrSet(ctx, 2, func(context.Context, int64) (string, error) { return "", cache.ErrNotFound })
	s.explained(p, "user@2", "2", "says: the source has none, for", "A GetOrSet gets ErrNotFound.",
		"Stored that the source has none, for", "by GetOrSet")

	if err := older.Set(ctx, 4, "old"); err != nil {
		t.Fatal(err)
	}
	s.explained(p, "user@2", "4", "Version 1 has a value too, user@1{user:4}: a string")

	// A write comes while the loader runs.
	if _, err := s.users.GetOrSet(ctx, 5, func(ctx context.Context, id int64) (string, error) {
		return "old", s.users.Delete(ctx, id)
	}); err != nil {
		t.Fatal(err)
	}
	s.explained(p, "user@2", "5", "What this process loaded last", "Not stored: a write came after the load had begun")
	look(p, "fenced")

	// The key is given up, by its button.
	s.explained(p, "user@2", "1", "There is a value")
	p.Click("main > .grid button.danger")
	p.WaitText("dialog", "user@2{user:1}")
	p.Screenshot("console-invalidate")
	p.Press(Escape)
	p.Wait(`!document.querySelector("dialog").open`)
	if p.Click("main > .grid button.danger"); !strings.Contains(p.Text("#explanation"), "There is a value") {
		t.Error("it was invalidated without a question")
	}
	p.Click("dialog button.danger")
	p.WaitText("#said", "The key has been invalidated.")
	p.WaitText("#explanation", "There is no value.")
	p.WaitText("main", "Deleted, by Delete.")
	if _, ok, err := s.users.Get(ctx, 1); ok || err != nil {
		t.Errorf("it is still there: %v, %v", ok, err)
	}

	// Redis is down.
	s.redis.Down()
	s.explained(p, "user@2", "1", "Nobody knows what Redis has of the key", "Deleted, by Delete.")
	look(p, "down")
	s.redis.Up()
}

// What a key is called is shown and never obeyed, however long it is; nothing is invalidated
// without the option.
func TestHostileKeys(t *testing.T) {
	s := newService(t)
	p := Open(t, s.url)
	for _, key := range []string{
		`<img src=x onerror="document.title='owned'">`, `"><script>document.title="owned"</script>`, "javascript:alert(1)",
		"\u202egnp.exe", "line\nbreak\x00\x1b[31m", "&amp;%3Cb%3E#?/../..", strings.Repeat("long", 2000), "\xff\xfe",
	} {
		if err := s.orders.Set(t.Context(), key, key); err != nil {
			t.Fatal(err)
		}
		_, _ = s.orders.GetOrSet(t.Context(), "fails "+key, func(context.Context, string) (string, error) { return "", errors.New(key) })
		if strings.Contains(key, "\xff") {
			p.Go(s.url + "key?" + url.Values{"cache": {"order"}, "key64": {base64.StdEncoding.EncodeToString([]byte("order:" + key))}}.Encode())
		} else {
			s.explained(p, "order", key)
		}
		p.WaitText("#explanation", "There is a value: a string of "+fmt.Sprint(len(key))+" byte")
		if title := Eval[string](p, "document.title"); title != "Key · aside console" {
			t.Errorf("%q: the title is %q", key, title)
		}
		if n := Eval[int](p, `document.querySelectorAll("main img, main script").length`); n != 0 {
			t.Errorf("%q has become elements", key)
		}
		p.Size(390, 844)
		p.CheckWidth()
		p.Size(1280, 900)
		p.CheckWidth()
		if Eval[bool](p, `document.querySelector("main > .grid button.danger")?.checkVisibility() ?? false`) {
			t.Error("there is a button to invalidate the key")
		}
	}
	p.Go(s.url + "cache?cache=order")
	p.WaitText(`section[aria-label="Last failures"]`, "<img src=x")
	p.WaitText(`section[aria-label="Last failures"]`, `\u{202e}gnp.exe`)
	look(p, "hostile")
}

// Hundreds of caches, with long names, on several clients, are a list to be filtered and sorted.
func TestManyCaches(t *testing.T) {
	s := newService(t)
	p := Open(t, s.url)
	p.WaitText("main", "2 caches")
	other := cachetest.NewServer(t).Client()
	for i := range 200 {
		name := fmt.Sprintf("family%03d", i)
		if i%50 == 7 {
			name += strings.Repeat("-with-a-long-name", 6)
		}
		cache.Must(cache.New(other, cache.Config[string, string]{Name: name, TTL: time.Hour, Registry: s.caches}))
	}
	same := cache.Must(cache.New(other, cache.Config[string, string]{Name: "order", TTL: time.Hour, Registry: s.caches}))
	p.WaitText("main", "203 caches")
	p.CheckContrast()
	p.CheckNames()
	p.Screenshot("console-many")
	p.Size(390, 844)
	p.CheckWidth()
	p.Screenshot("console-many-phone")
	p.Size(1280, 900)
	p.WaitText("tbody", "order#2")
	p.Click("thead th:first-child button")
	p.Wait(`document.querySelector("tbody a").innerText === "user@2"`)
	p.Type("#filter", "order")
	p.WaitText("main", "2 of 203 caches")
	_ = same.Close()
	p.WaitText("main", "1 of 202 caches")
	p.Type("#filter", " none")
	p.WaitText("main", "No cache has this in its name.")
}

// The page is used without a mouse.
func TestKeyboard(t *testing.T) {
	s := newService(t, console.AllowInvalidate())
	if err := s.orders.Set(t.Context(), "1", "v"); err != nil {
		t.Fatal(err)
	}
	p := Open(t, s.url)
	p.WaitText("main", "2 caches")
	order := p.TabOrder()
	names := make([]string, len(order))
	for i, f := range order {
		names[i] = f.Name
	}
	wanted := []string{"Skip to the content", "aside console", "Pause", "Filter by name", "Cache", "Lookups / s", "Hits", "p50", "p99", "Loads / s", "Running", "Errors", "State", "order", "user@2"}
	if !slices.Equal(names, wanted) {
		t.Errorf("the tab order is %q, want %q", names, wanted)
	}
	Eval[bool](p, `document.querySelector("tbody a").focus(), true`)
	p.Press(Enter)
	p.WaitText("h1", "order")
	if tag := Eval[string](p, "document.activeElement.tagName"); tag != "H1" {
		t.Errorf("on the next page the focus is on %s", tag)
	}
	p.Press(Tab)
	p.Press("1" + Enter)
	p.WaitText("#explanation", "There is a value")
	Eval[bool](p, "history.back(), true")
	p.WaitText("main", "Loads that run now")
	p.TabOrder()
}
