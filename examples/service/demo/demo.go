// Package demo is what is not to be copied: it shows the service at work. It starts what is
// missing of a Redis and a database, puts a proxy in front of Redis, sends the same requests to the
// service and to one without aside, counts what both ask the database and what their clients get,
// and shows all of it on a page.
package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/examples/service/app"
	"github.com/asidecache/aside/examples/service/store"
	"github.com/asidecache/aside/examples/service/web"
)

// A Config says what the demo is to use. What is left out it brings along.
type Config struct {
	Database string // the URL, or a SQLite file of its own
	Redis    string // the URL of one server, or one in this process
	Instance bool   // this is a second instance: what it uses is in its environment
	Program  string // is run for a second instance; default: this one
	Log      *slog.Logger
}

// A Demo is one instance: the one with the page, or a second one.
type Demo struct {
	config Config
	shared shared
	app    *app.App
	plain  *plain

	database, plainDatabase meter // of the service, and of the one without aside

	page   *page    // nil in a second instance
	proxy  *proxy   // likewise
	closes []func() // in reverse
}

// Open starts what the service is to use, and returns the parts of it.
func Open(ctx context.Context, c Config) (*Demo, app.Parts, error) {
	d := &Demo{config: c}
	parts, err := d.open(ctx)
	if err != nil {
		d.Close()
		return nil, app.Parts{}, err
	}
	return d, parts, nil
}

func (d *Demo) open(ctx context.Context) (parts app.Parts, err error) {
	if d.config.Instance {
		err = json.Unmarshal([]byte(os.Getenv(sharedEnv)), &d.shared)
	} else {
		err = d.share(ctx)
	}
	if err != nil {
		return parts, err
	}
	d.slow(normal)
	parts.Log, parts.Prefix = d.config.Log, d.shared.Prefix+"aside:"
	if parts.Store, err = store.Open(ctx, d.shared.Database, d.database.wrap); err != nil {
		return parts, err
	}
	d.plain = &plain{prefix: d.shared.Prefix + "plain:"}
	if d.plain.store, err = store.Open(ctx, d.shared.Plain, d.plainDatabase.wrap); err != nil {
		return parts, err
	}
	d.closes = append(d.closes, func() { _ = d.plain.store.Close() })
	o, err := redis.ParseURL(d.shared.Redis)
	if err != nil {
		return parts, err
	}
	o.Addr = d.shared.Via
	plainOptions := *o // go-redis as it is
	d.plain.rdb = redis.NewClient(&plainOptions)
	d.closes = append(d.closes, func() { _ = d.plain.rdb.Close() })
	parts.Redis = app.Client(o)
	if d.config.Instance {
		return parts, nil
	}
	return parts, errors.Join(seed(ctx, parts.Store), seed(ctx, d.plain.store))
}

// share starts what both instances use.
func (d *Demo) share(ctx context.Context) error {
	if err := d.databases(ctx); err != nil {
		return err
	}
	d.shared.Redis = d.config.Redis
	if d.shared.Redis == "" {
		addr, stop, err := embeddedRedis()
		if err != nil {
			return err
		}
		d.closes = append(d.closes, stop)
		d.shared.Redis = "redis://" + addr
	}
	o, err := redis.ParseURL(d.shared.Redis)
	if err != nil {
		return fmt.Errorf("the demo needs the URL of one Redis server: %w", err)
	}
	if err := ping(ctx, *o); err != nil {
		return fmt.Errorf("the Redis at %s does not answer: %w", o.Addr, err)
	}
	if d.proxy, err = newProxy(o.Addr); err != nil {
		return err
	}
	d.closes = append(d.closes, d.proxy.close)
	d.shared.Via = d.proxy.addr()
	d.shared.Prefix = fmt.Sprintf("aside-demo-%d:", os.Getpid()) // so that it meets nobody's keys
	return nil
}

func ping(ctx context.Context, o redis.Options) error {
	rdb := app.Client(&o)
	defer rdb.Close()
	return rdb.Ping(ctx).Err()
}

// slow makes each query take so long, on average.
func (d *Demo) slow(delay time.Duration) {
	d.database.delay.Store(int64(delay))
	d.plainDatabase.delay.Store(int64(delay))
}

// Handler returns the routes of the app, and beside them those of the demo.
func (d *Demo) Handler(a *app.App) http.Handler {
	d.app = a
	mux := http.NewServeMux()
	mux.Handle("/", a.Handler())
	mux.Handle("/plain/", http.StripPrefix("/plain", web.Handler(d.plain, d.config.Log)))
	mux.HandleFunc("GET /demo/counts", d.serveCounts)
	mux.HandleFunc("POST /demo/slow", d.serveSlow)
	if !d.config.Instance {
		d.page = newPage(d)
		d.page.routes(mux)
	}
	marked := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(withRun(r.Context(), r.Header.Get(runHeader))))
	})
	return http.NewCrossOriginProtection().Handler(marked)
}

// Start begins to send requests to the service at base, as in http://127.0.0.1:8080.
func (d *Demo) Start(base string) {
	if d.page != nil {
		d.page.start(base)
	}
}

// Stop ends what Start has begun, and a second instance. The service is to go on until then.
func (d *Demo) Stop() {
	if d.page != nil {
		d.page.stop()
	}
}

// Close ends all that Open has started.
func (d *Demo) Close() {
	for i := len(d.closes) - 1; i >= 0; i-- {
		d.closes[i]()
	}
}

// counts are what an instance has counted, of the service and of the one without aside.
type counts struct {
	Aside, Plain armCounts
	Breaker      string
	Near         string
	Undelivered  uint64
}

type armCounts struct {
	Hits, Lookups uint64
	NearHits      uint64
	Queries       int64
	OfRun         int // queries of the run that was asked for
}

func (d *Demo) counts(run string) counts {
	c := counts{
		Aside: armCounts{Queries: d.database.queries.Load(), OfRun: d.database.ofRun(run)},
		Plain: armCounts{
			Hits: d.plain.hits.Load(), Lookups: d.plain.lookups.Load(),
			Queries: d.plainDatabase.queries.Load(), OfRun: d.plainDatabase.ofRun(run),
		},
	}
	for _, m := range d.app.Caches.Caches() {
		s := m.Stats()
		c.Aside.Hits += s.Hits + s.AbsentHits
		c.Aside.NearHits += s.NearHits
		c.Aside.Lookups += s.Hits + s.AbsentHits + s.Misses + s.Unanswered
		c.Breaker, c.Undelivered = s.Breaker.String(), s.Undelivered // of the client
		if s.NearState != 0 {
			c.Near = s.NearState.String()
		}
	}
	return c
}

func (d *Demo) serveCounts(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, d.counts(r.FormValue("run")))
}

func (d *Demo) serveSlow(w http.ResponseWriter, r *http.Request) {
	delay, err := time.ParseDuration(r.FormValue("delay"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	d.slow(delay)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // fails if the browser has left
}
