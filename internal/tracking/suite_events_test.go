package tracking

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/minitracking"
	"github.com/asidecache/aside/internal/redistest"
)

// eachServer runs a test on each real server, alone and as a cluster, and on a miniredis that
// tracks.
func eachServer(t *testing.T, test func(t *testing.T, env *redistest.Env)) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Mini != nil {
			env.Client.Ping(t.Context()) // which starts it
			minitracking.Add(env.Mini)
		}
		test(t, env)
	})
}

// What changes a key is heard of, by whatever command it is changed.
func TestChangesAreHeard(t *testing.T) {
	eachServer(t, func(t *testing.T, env *redistest.Env) {
		ctx, rdb := t.Context(), env.Client
		_, r := listen(t, env.NewClient(t), "user:", "team:")
		r.awaitConnected(t, true)
		script := redis.NewScript("redis.call('SET', KEYS[1], 'v') return 1")
		for i, change := range []struct {
			name string
			do   func(key string) error
		}{
			{"SET", func(key string) error { return rdb.Set(ctx, key, "w", 0).Err() }},
			{"DEL", func(key string) error { return rdb.Del(ctx, key).Err() }},
			{"UNLINK", func(key string) error { return rdb.Unlink(ctx, key).Err() }},
			{"PEXPIRE", func(key string) error { return rdb.PExpire(ctx, key, time.Hour).Err() }},
			{"expiry", func(key string) error { return rdb.PExpire(ctx, key, time.Millisecond).Err() }},
			{"script", func(key string) error { return script.Run(ctx, rdb, []string{key}).Err() }},
			{"MULTI", func(key string) error {
				_, err := rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
					p.Set(ctx, key, "w", 0)
					p.Del(ctx, key)
					return nil
				})
				return err
			}},
			{"RENAME", func(key string) error { return rdb.Rename(ctx, key+"{"+key+"}", key).Err() }},
			{"HSET", func(key string) error {
				rdb.Del(ctx, key)
				return rdb.HSet(ctx, key, "f", "v").Err()
			}},
		} {
			for _, prefix := range []string{"user:", "team:"} {
				key := prefix + strconv.Itoa(i)
				rdb.Set(ctx, key+"{"+key+"}", "v", 0)
				rdb.Set(ctx, key, "v", 0)
				r.awaitKey(t, key)
				r.forget()
				if err := change.do(key); err != nil {
					t.Errorf("%s: %v", change.name, err)
				}
				r.awaitKey(t, key)
				if change.name == "expiry" && env.Mini == nil { // which is told by itself, after PEXPIRE
					r.forget()
					r.awaitKey(t, key)
				}
			}
		}
	})
}

func TestKeysOfOthersAreNotHeard(t *testing.T) {
	eachServer(t, func(t *testing.T, env *redistest.Env) {
		ctx, rdb := t.Context(), env.Client
		_, r := listen(t, env.NewClient(t), "user:")
		r.awaitConnected(t, true)
		r.forget()
		for i := range 20 { // of several masters
			rdb.Set(ctx, fmt.Sprint("aside:{user:", i, "}"), "v", 0)
			rdb.Set(ctx, fmt.Sprint("team:", i), "v", 0)
			rdb.Set(ctx, fmt.Sprint("user:", i), "v", 0)
			r.awaitKey(t, fmt.Sprint("user:", i))
		}
		if got := len(r.have()); got != 20 {
			t.Errorf("heard of %q, want 20 keys", r.have())
		}
	})
}

func TestFlushAllIsHeard(t *testing.T) {
	eachServer(t, func(t *testing.T, env *redistest.Env) {
		s, r := listen(t, env.NewClient(t), "user:")
		r.awaitConnected(t, true)
		e := awaitEpoch(t, s, "user:1", nil)
		wantProven(t, "before", e, true)
		r.forget()
		env.FlushAll(t)
		r.await(t, "a flush", func() bool { return r.flushes > 0 })
		e2 := awaitEpoch(t, s, "user:1", e)
		wantProven(t, "the epoch before FLUSHALL", e, false)
		wantProven(t, "the epoch after it", e2, true)
	})
}

func TestEvictionIsHeard(t *testing.T) {
	for _, server := range redistest.Servers(t) {
		t.Run(server.String(), func(t *testing.T) {
			t.Parallel()
			rdb := server.StartCalm(t, redistest.Standalone).Client(t)
			_, r := listen(t, rdb, "user:")
			r.awaitConnected(t, true)
			const keys = 200
			for i := range keys {
				rdb.Set(t.Context(), fmt.Sprint("user:", i), string(make([]byte, 10_000)), 0)
			}
			r.await(t, "all keys", func() bool { return len(r.keys) >= keys })
			r.forget()
			rdb.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-random")
			rdb.ConfigSet(t.Context(), "maxmemory", "2mb")
			rdb.Set(t.Context(), "team:1", "v", 0)
			r.await(t, "an eviction", func() bool { return len(r.keys) > 0 })
		})
	}
}

// All that listen with one client share a connection to each master, and there is none
// without a subscription.
func TestConnectionsAreShared(t *testing.T) {
	eachServer(t, func(t *testing.T, env *redistest.Env) {
		rdb := env.NewClient(t, func(o *redis.UniversalOptions) { o.ClientName = "shared" })
		l, err := Listen(rdb)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if env.Mini != nil {
			t.Skip("miniredis does not say who tracks")
		}
		want := 1
		if env.Topology == redistest.Cluster {
			want = 3
		}
		for range 2 {
			if n := tracking(t, env); n != 0 {
				t.Errorf("%d connections track without a subscription", n)
			}
			var subs []*Subscription
			for i := range 10 {
				s, r := listen(t, rdb, fmt.Sprint("p", i, ":"))
				subs = append(subs, s)
				r.awaitConnected(t, true)
			}
			if n := tracking(t, env); n != want {
				t.Errorf("%d connections track, want %d", n, want)
			}
			for _, s := range subs {
				s.Close()
				s.Close() // again
			}
			for began := time.Now(); tracking(t, env) > 0 && time.Since(began) < time.Minute; {
				time.Sleep(time.Millisecond) // until the server has seen the end
			}
		}
	})
}

// tracking returns how many connections track, at all masters.
func tracking(t *testing.T, env *redistest.Env) (n int) {
	t.Helper()
	env.EachMaster(t, func(master *redis.Client) error {
		info, err := master.InfoMap(t.Context(), "clients").Result()
		count, _ := strconv.Atoi(info["Clients"]["tracking_clients"])
		n += count
		return err
	})
	return n
}
