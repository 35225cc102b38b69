// Package asideprometheus exports what the caches of a service do as metrics for Prometheus.
//
//	caches := new(cache.Registry)
//	prometheus.MustRegister(asideprometheus.New(caches))
//	users, err := cache.New(rdb, cache.Config[int64, User]{Name: "user", TTL: time.Hour, Registry: caches})
//
// All metrics have a label cache, the Name of the cache; caches that have one Name, such as those
// of two versions, are added up. No metric has a key or a value. dashboard.json is a dashboard for
// Grafana that shows them.
package asideprometheus
