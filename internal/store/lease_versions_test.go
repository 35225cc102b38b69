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

// eachHolding is eachLeased for the shapes whose values can be empty.
func eachHolding(t *testing.T, test func(t *testing.T, b leased)) {
	eachLeased(t, func(t *testing.T, b leased) {
		if b.store.HoldsEmpties() {
			test(t, b)
		}
	})
}

// ofVersion is b with a store of a version of its values, and the key of "k" there.
func (b leased) ofVersion(t *testing.T, version int) (leased, string) {
	b.store = newStore(t, b.env.Client, b.shape)
	f := rediskey.NewFamily("user", version)
	b.store.SetFamily(f)
	return b, string(f.End(append(f.Begin(nil), 'k'), 0))
}

const versionsControl = "aside:{user:k}"

// held is what the control key of the versions holds, and for how long.
func (b leased) held(t *testing.T) (string, time.Duration) {
	t.Helper()
	c := b.env.Client
	return c.Get(t.Context(), versionsControl).Val(), c.PTTL(t.Context(), versionsControl).Val()
}

func (b leased) wantHeld(t *testing.T, what, marker string, life time.Duration) {
	t.Helper()
	held, left := b.held(t)
	if held != marker || left > life || left < life-time.Minute {
		t.Errorf("%s: the control key holds %q for %v, want %q for %v", what, held, left, marker, life)
	}
}

func (b leased) touch(t *testing.T, key string, ttl time.Duration) {
	t.Helper()
	if ok, err := b.store.Touch(t.Context(), deadline(), key, ttl); !ok || err != nil {
		t.Errorf("Touch: %v, %v", ok, err)
	}
}

func renewed(t *testing.T, l *store.Lease) {
	t.Helper()
	if held, err := l.Renew(t.Context(), deadline()); !held || err != nil {
		t.Errorf("Renew: %v, %v", held, err)
	}
}

func released(t *testing.T, l *store.Lease) {
	t.Helper()
	if held, err := l.Release(t.Context(), deadline()); !held || err != nil {
		t.Errorf("Release: %v, %v", held, err)
	}
}

// An empty value that is touched during a load, of its own version or of another, keeps the new
// TTL when the load comes to nothing; other versions do not get it.
func TestTouchOfACarriedMark(t *testing.T) {
	eachHolding(t, func(t *testing.T, b leased) {
		b.env.FlushAll(t)
		touching, touched := b.ofVersion(t, 2)
		for _, version := range []int{1, 2, 3} {
			loading, loaded := b.ofVersion(t, version)
			for marker, touches := range map[string]int{"E@2": 1, "E@1@2": 2} {
				for _, ttl := range []time.Duration{3 * time.Hour, 30 * time.Minute, store.Forever} {
					b.do(t, "SET", versionsControl, marker, "PX", time.Hour.Milliseconds())
					l := loading.grant(t, loaded, true)
					for range touches {
						touching.touch(t, touched, ttl)
					}
					if held, life := b.held(t); !strings.HasPrefix(held, "L") || life <= 0 || life > leaseLife {
						t.Errorf("the control key holds %q for %v, want a lease", held, life)
					}
					renewed(t, l)
					released(t, l)
					life := ttl
					if ttl == store.Forever {
						life = 10 * 365 * 24 * time.Hour
					}
					b.wantHeld(t, marker+" touched during a load that fails", "E@2", life)
				}
			}
		}
	})
}

// What is touched while a lease carries it lives neither shorter nor longer than it was given,
// however often the lease is renewed.
func TestTouchOfACarriedMarkEndsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := redistest.Mini(t)
		b := leased{env, newStore(t, env.Client, codec.ShapeHash), codec.ShapeHash}
		loading, loaded := b.ofVersion(t, 1)
		touching, touched := b.ofVersion(t, 2)
		for _, tt := range []struct{ first, then, want time.Duration }{
			{5 * leaseLife / 2, 9 * leaseLife, 7 * leaseLife},
			{9 * leaseLife, 5 * leaseLife / 2, 0},
			{9 * leaseLife, leaseLife / 4, 0},
		} {
			b.do(t, "SET", versionsControl, "E@2", "PX", tt.first.Milliseconds())
			l := loading.grant(t, loaded, true)
			touching.touch(t, touched, tt.then)
			for range 4 {
				time.Sleep(leaseLife / 2)
				renewed(t, l)
			}
			released(t, l)
			marker := "E@2"
			if tt.want == 0 {
				marker, tt.want = "", -2
			}
			if held, life := b.held(t); held != marker || life != tt.want {
				t.Errorf("%v touched to %v: the control key holds %q for %v, want %q for %v",
					tt.first, tt.then, held, life, marker, tt.want)
			}
		}
	})
}

// A touch that gives what a lease carries less than the lease has: nobody finds it beyond that.
func TestTouchOfACarriedMarkIsNotOutlived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := redistest.Mini(t)
		b := leased{env, newStore(t, env.Client, codec.ShapeHash), codec.ShapeHash}
		touching, touched := b.ofVersion(t, 2)
		for _, first := range []time.Duration{9 * leaseLife, 9 * leaseLife / 8} {
			b.do(t, "SET", versionsControl, "E@2", "PX", first.Milliseconds())
			l := touching.grant(t, touched, true)
			touching.touch(t, touched, leaseLife/4)
			time.Sleep(leaseLife / 3)
			var e store.Entry
			if err := touching.store.Inspect(t.Context(), deadline(), touched, &e, false); err != nil || e.State != store.Missing {
				t.Errorf("a read finds state %v beyond the TTL: %v", e.State, err)
			}
			a, err := touching.store.Acquire(t.Context(), deadline(), touched, leaseLife, false)
			if err != nil || a.Status != store.Busy {
				t.Errorf("Acquire finds status %v beyond the TTL: %v", a.Status, err)
			}
			released(t, l)
			b.wantKeys(t, "after the load that failed")
		}
	})
}

// A marker that ends before its lease is not carried by it, and comes back all the same.
func TestReleaseOfAMarkThatEnds(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		for _, marker := range b.markers() {
			b.env.FlushAll(t)
			b.do(t, "SET", rediskey.ControlKey("k"), marker, "PX", (leaseLife / 2).Milliseconds())
			released(t, b.grant(t, "k", true))
			if held := b.noted(t, "k"); held != marker {
				t.Errorf("the control key holds %q, want %q", held, marker)
			}
		}
	})
}

// A value that a load stores leaves what is known of the empty values of other versions, as it
// leaves their values; a refresh that is asked for ends both.
func TestStoreLeavesEmptyVersions(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		b, key := b.ofVersion(t, 2)
		for name, v := range map[string]content{"small": b.value("v"), "large": b.staged()} {
			for _, tt := range []struct{ before, after string }{
				{"E@1", "E@1"}, {"E", "E"}, {"E@0@1", "E@0@1"}, {"N", ""},
				{"E@2", ""}, {"E@1@2", "E@1"}, {"E@2@0", "E@0"}, {"E@12@2@22", "E@12@22"},
			} {
				if !b.store.HoldsEmpties() && strings.Contains(tt.before+"@", "@2@") {
					continue // no such version has said that it is empty
				}
				for _, asWrite := range []bool{false, true} {
					b.env.FlushAll(t)
					b.do(t, "SET", versionsControl, tt.before, "PX", time.Hour.Milliseconds())
					asks := []store.Ask{{Key: key, Replace: true, AsWrite: asWrite}}
					b.store.AcquireAll(t.Context(), deadline(), asks, leaseLife)
					l := asks[0].Answer.Lease
					if asks[0].Err != nil || l == nil {
						t.Fatalf("Acquire: %+v", asks[0])
					}
					if ok, err := l.Store(t.Context(), deadline(), entry(key, v), time.Hour); !ok || err != nil {
						t.Fatalf("Store: %v, %v", ok, err)
					}
					what := name + " value beside " + tt.before
					if asWrite || tt.after == "" {
						b.wantKeys(t, what, key)
						continue
					}
					b.wantHeld(t, what, tt.after, time.Hour)
				}
			}
		}
	})
}

// The same of many values, whose scripts are merged.
func TestStoresLeaveEmptyVersions(t *testing.T) {
	eachLeased(t, func(t *testing.T, b leased) {
		b.env.FlushAll(t)
		b, key := b.ofVersion(t, 2)
		b.do(t, "SET", versionsControl, "E@1", "PX", time.Hour.Milliseconds())
		var commits []store.Commit
		for _, key := range []string{key, strings.Replace(key, ":k", ":other", 1)} {
			commits = append(commits, store.Commit{
				Committer: b.grant(t, key, false), State: store.Present, Entry: entry(key, b.value("v")), TTL: time.Hour,
			})
		}
		b.store.CommitAll(t.Context(), deadline(), commits)
		for i := range commits {
			if !commits[i].Stored || commits[i].Err != nil {
				t.Errorf("commit %d: %v, %v", i, commits[i].Stored, commits[i].Err)
			}
		}
		b.wantHeld(t, "stored along with another", "E@1", time.Hour)
	})
}
