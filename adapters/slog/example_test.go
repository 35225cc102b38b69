package asideslog_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	asideslog "github.com/asidecache/aside/adapters/slog"
	"github.com/asidecache/aside/cache"
)

func Example() {
	plain := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "duration" {
			return slog.Attr{}
		}
		return a
	}
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: plain}))
	server, err := miniredis.Run()
	if err != nil {
		panic(err)
	}
	defer server.Close()
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer rdb.Close()
	caches := &cache.Registry{Defaults: cache.Defaults{Observer: asideslog.Observer(logger)}}
	users := cache.Must(cache.New(rdb, cache.Config[int64, string]{Name: "user", TTL: time.Hour, Registry: caches}))

	_, err = users.GetOrSet(context.Background(), 42, func(context.Context, int64) (string, error) {
		return "", errors.New("the database is down")
	})
	fmt.Println(err)
	// Output:
	// level=WARN msg="aside: load failed" cache=user callers=1 keys=1 err="the database is down" key=user:42
	// the database is down
}
