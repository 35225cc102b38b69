package asideotel_test

import (
	"context"
	"log"
	"time"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel"

	asideotel "github.com/asidecache/aside/adapters/otel"
	"github.com/asidecache/aside/cache"
)

// A service instruments the registry before it makes its caches, which then need no more than that.
func Example() {
	caches := new(cache.Registry)
	if err := asideotel.Instrument(caches); err != nil { // with the global providers
		log.Fatal(err)
	}
	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379"})
	users := cache.Must(cache.New(rdb, cache.Config[int64, string]{Name: "user", TTL: time.Hour, Registry: caches}))

	ctx, span := otel.Tracer("service").Start(context.Background(), "GET /user")
	defer span.End()
	name, err := users.GetOrSet(ctx, 42, func(ctx context.Context, _ int64) (string, error) {
		return query(ctx) // in the span "load user", below "GET /user"
	})
	log.Print(name, err)
}

func query(context.Context) (string, error) { return "Ann", nil }
