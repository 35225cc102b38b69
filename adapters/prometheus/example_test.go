package asideprometheus_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/redis/go-redis/v9"

	asideprometheus "github.com/asidecache/aside/adapters/prometheus"
	"github.com/asidecache/aside/cache"
)

// A service makes its metrics before its caches, which then need no more than the registry.
func Example() {
	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	caches := new(cache.Registry)
	prometheus.MustRegister(asideprometheus.New(caches))
	users := cache.Must(cache.New(rdb, cache.Config[int64, string]{Name: "user", TTL: time.Hour, Registry: caches}))

	http.Handle("/metrics", promhttp.Handler())
	http.HandleFunc("/user", func(w http.ResponseWriter, r *http.Request) {
		name, err := users.GetOrSet(r.Context(), 42, func(context.Context, int64) (string, error) { return "Ann", nil })
		fmt.Fprintln(w, name, err)
	})
}
