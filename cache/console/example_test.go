package console_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/cache/console"
)

// A service mounts the console of its caches where only those come who may see all keys.
func ExampleHandler() {
	server, err := miniredis.Run()
	if err != nil {
		panic(err)
	}
	defer server.Close()
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer rdb.Close()
	caches := new(cache.Registry)
	users := cache.Must(cache.New(rdb, cache.Config[int64, string]{Name: "user", TTL: time.Hour, Registry: caches}))
	defer users.Close()

	mux := http.NewServeMux()
	mux.Handle("/debug/aside/", requireAdmin(console.Handler(caches, console.AllowInvalidate())))
	service := httptest.NewServer(mux)
	defer service.Close()

	_, _ = users.GetOrSet(context.Background(), 42, func(context.Context, int64) (string, error) {
		return "", cache.ErrNotFound
	})
	request, _ := http.NewRequest("GET", service.URL+"/debug/aside/key?cache=user&key=42", nil)
	request.Header.Set("Accept", "application/json") // a browser gets the page
	request.SetBasicAuth("admin", "secret")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	body, _ := io.ReadAll(answer.Body)
	fmt.Println(strings.Contains(string(body), "A GetOrSet gets ErrNotFound."))

	answer, err = http.PostForm(service.URL+"/debug/aside/invalidate", url.Values{"cache": {"user"}, "key": {"42"}})
	if err != nil {
		panic(err)
	}
	fmt.Println(answer.Status)
	// Output:
	// true
	// 401 Unauthorized
}

func requireAdmin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="console"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
