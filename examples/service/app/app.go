// Package app puts the service together: caches, handlers, metrics, probes, and the order of the
// shutdown.
package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"

	asideprometheus "github.com/asidecache/aside/adapters/prometheus"
	asideslog "github.com/asidecache/aside/adapters/slog"
	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/console"
	"github.com/asidecache/aside/examples/service/service"
	"github.com/asidecache/aside/examples/service/store"
	"github.com/asidecache/aside/examples/service/web"
)

// Parts are what an App is made of. It closes them.
type Parts struct {
	Store *store.Store
	Redis redis.UniversalClient
	Log   *slog.Logger
	// Prefix begins all keys in Redis, such as "shop:", where others use that Redis too.
	Prefix string
}

// An App is the service with all that belongs to its operation.
type App struct {
	Caches  *cache.Registry
	Service *service.Service

	parts   Parts
	probes  probes
	metrics *prometheus.Registry
}

// New makes the caches and their observers.
func New(p Parts) (*App, error) {
	caches := &cache.Registry{Defaults: cache.Defaults{
		LoadTimeout: 10 * time.Second,
		MaxLoads:    store.Connections, // more would wait for a connection
		Observer:    asideslog.Observer(p.Log),
	}}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(
		asideprometheus.New(caches), // before the caches are made: it adds an observer
		collectors.NewDBStatsCollector(p.Store.DB(), "service"),
		collectors.NewGoCollector(),
	)
	s, err := service.New(p.Redis, p.Store, caches, p.Prefix, p.Log)
	if err != nil {
		return nil, err
	}
	a := &App{Caches: caches, Service: s, parts: p, metrics: metrics}
	a.probes = probes{database: p.Store.Ping, caches: caches.Check, log: p.Log}
	return a, nil
}

// Handler returns all routes. /debug and /metrics must not be reachable from outside: a real
// service has them on a port of its own.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", web.Handler(a.Service, a.parts.Log))
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /readyz", a.probes.ready)
	mux.Handle("/debug/aside/", console.Handler(a.Caches))
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics, promhttp.HandlerOpts{}))
	return mux
}

// Drain makes the readiness probe fail, so that no further requests are sent here.
func (a *App) Drain() { a.probes.draining.Store(true) }

// Shutdown ends the caches and then what they use. Requests have to have ended before, as they
// use the caches: so http.Server.Shutdown comes first. Loads that run in the background, and
// invalidations that Redis has not acknowledged, need Redis and the database until the caches have
// ended: so these come last.
func (a *App) Shutdown(ctx context.Context) error {
	return errors.Join(a.Caches.Shutdown(ctx), a.parts.Redis.Close(), a.parts.Store.Close())
}
