package store_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
	"github.com/asidecache/aside/internal/store"
)

// markers are what a lease of b can carry.
func (b leased) markers() []string {
	if b.store.HoldsEmpties() {
		return []string{"N", "E"}
	}
	return []string{"N"}
}

// carriedMark is the marker of a lease, without the moment of its expiry behind it.
func carriedMark(held string) string { return strings.TrimRight(held[17:], "0123456789") }

// A lease carries the marker that it has replaced, but not beyond the marker's own life.
func TestLeaseCarriesAMarkThatOutlivesIt(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		for _, marker := range b.markers() {
			for life, carried := range map[time.Duration]string{leaseLife / 2: "", 2 * leaseLife: marker} {
				b.env.FlushAll(t)
				b.do(t, "SET", rediskey.ControlKey("k"), marker, "PX", life.Milliseconds())
				b.grant(t, "k", true)
				held := b.noted(t, "k")
				if len(held) < 17 || held[0] != 'L' || carriedMark(held) != carried {
					t.Errorf("%s that lives %v: the control key holds %q, want a lease and %q", marker, life, held, carried)
				}
			}
		}
	})
}

// A lease that is renewed until after the end of the marker stops carrying it.
func TestLeaseDropsAMarkThatEnds(t *testing.T) {
	for _, shape := range []codec.Shape{codec.ShapeString, codec.ShapeHash} {
		t.Run(shape.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := redistest.Mini(t)
				b := leased{env, newStore(t, env.Client, shape), shape}
				for _, marker := range b.markers() {
					env.FlushAll(t)
					b.do(t, "SET", rediskey.ControlKey("k"), marker, "PX", (5 * leaseLife / 2).Milliseconds())
					l := b.grant(t, "k", true)
					for i, carried := range []string{marker, marker, marker, "", ""} { // the marker has 150, 120, 90 and just under 60 s left
						if i > 0 {
							time.Sleep(leaseLife/2 + time.Millisecond)
							if held, err := l.Renew(t.Context(), deadline()); !held || err != nil {
								t.Fatalf("%s: renewal %d: %v, %v", marker, i, held, err)
							}
						}
						if held := b.noted(t, "k"); len(held) < 17 || carriedMark(held) != carried {
							t.Errorf("%s after %d renewals: the control key holds %q, want a lease and %q", marker, i, held, carried)
						}
						if life := env.Client.PTTL(t.Context(), rediskey.ControlKey("k")).Val(); life != leaseLife {
							t.Errorf("%s after %d renewals: the lease lives %v, want %v", marker, i, life, leaseLife)
						}
					}
				}
			})
		})
	}
}

// A Touch notes in the lease of a refresh that the value has a new life. The lease keeps
// its own: one without an end would hold up every load after a process that has died.
func TestTouchLeavesTheLeaseItsLife(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		for _, ttl := range []time.Duration{3 * time.Hour, store.Forever} {
			b.env.FlushAll(t)
			b.put(t, b.value("old"))
			b.grant(t, "k", true)
			for range 2 {
				if ok, err := b.store.Touch(t.Context(), deadline(), "k", ttl); !ok || err != nil {
					t.Fatal(ok, err)
				}
				if life := b.env.Client.PTTL(t.Context(), rediskey.ControlKey("k")).Val(); life <= 0 || life > leaseLife {
					t.Errorf("Touch for %v: the lease lives %v, want %v at most", ttl, life, leaseLife)
				}
			}
		}
	})
}
