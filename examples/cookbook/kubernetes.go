package cookbook

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
)

// NewRedis makes a client whose dials wait no longer than a call does.
func NewRedis(addr string) *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr:            addr,
		DialTimeout:     time.Second,
		DialerRetries:   1,               // a call does not repeat a refused dial
		MinIdleConns:    2,               // the first requests find connections
		MaxActiveConns:  50,              // times the pods: less than maxclients
		ConnMaxIdleTime: 4 * time.Minute, // less than a load balancer allows
	})
}

// Probes are for startupProbe, readinessProbe and livenessProbe.
func Probes(caches *cache.Registry) *http.ServeMux {
	mux := http.NewServeMux()
	// A pod that cannot use its Redis, for lack of a right for example, does not start.
	mux.HandleFunc("GET /startupz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := caches.Check(ctx); err != nil { // a sentence for each problem
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	// A pod that has started can serve without Redis. Neither of these asks Redis: its failure
	// would take all pods out of service at once.
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /livez", func(http.ResponseWriter, *http.Request) {})
	return mux
}

// Stop ends a service within the 30 s of terminationGracePeriodSeconds: first the server that calls
// the caches, then the caches, then what they use.
func Stop(server *http.Server, caches *cache.Registry, rdb *redis.Client, db interface{ Close() error }) error {
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Second)
	defer cancel()
	return errors.Join(
		server.Shutdown(ctx), // waits for the requests
		caches.Shutdown(ctx), // waits for loads and deletes, and cancels loaders
		rdb.Close(),
		db.Close(),
	)
}
