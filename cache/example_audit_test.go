package cache_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asidecache/aside/cache"
)

// A sample of the hits, here all of them, is compared with the source in the background. An entry
// that nobody has invalidated is told by its key and by what differs.
func ExampleAuditConfig() {
	rdb, stop := embedded()
	defer stop()
	audits := make(chan cache.AuditEvent, 10)
	users := cache.Must(cache.New(rdb, cache.Config[int64, User]{
		Name: "user", TTL: time.Hour,
		Audit:    cache.AuditConfig{Rate: 1, Grace: 100 * time.Millisecond, Repair: true},
		Observer: cache.Observer{Audit: func(_ context.Context, e cache.AuditEvent) { audits <- e }},
	}))
	defer users.Close()

	ctx := context.Background()
	rows := map[int64]User{42: {42, "Ada"}}
	load := func(_ context.Context, id int64) (User, error) { return rows[id], nil }
	_, _ = users.GetOrSet(ctx, 42, load)
	rows[42] = User{42, "Ada Lovelace"} // and no Delete
	u, _ := users.GetOrSet(ctx, 42, load)
	fmt.Println("read", u.Name)

	e := <-audits
	fmt.Println(e.Key, e.Result, e.Fields, e.Repaired)
	u, _, _ = users.Get(ctx, 42)
	fmt.Println("read", u.Name)
	// Output:
	// read Ada
	// user:42 AuditMissed [Name] true
	// read Ada Lovelace
}

func ExampleStats_ConsistentHits() {
	s := cache.Stats{AuditsEqual: 14_990, AuditsLate: 10} // of Cache.Stats
	share, atLeast := s.ConsistentHits()
	fmt.Printf("%.0f %% of the audited hits, and at least %.2f %% of all\n", 100*share, 100*atLeast)
	// Output:
	// 100 % of the audited hits, and at least 99.98 % of all
}
