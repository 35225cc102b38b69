package cache_test

import (
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
)

// A struct of several parts is a key, and no two of them have one text.
func ExampleCache_RedisKey() {
	rdb, stop := embedded()
	defer stop()
	type page struct {
		Path string
		Lang string
	}
	pages := cache.Must(cache.New(rdb, cache.Config[page, string]{Name: "page", Version: 3, TTL: time.Hour}))
	defer pages.Close()

	fmt.Println(pages.RedisKey(page{"/about", "en"}))
	fmt.Println(pages.RedisKey(page{"a:b", "c"}))
	fmt.Println(pages.RedisKey(page{"a", "b:c"}))
	// Output:
	// page@3{page:/about:en}
	// page@3{page:a%3Ab:c}
	// page@3{page:a:b%3Ac}
}
