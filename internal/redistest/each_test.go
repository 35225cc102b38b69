package redistest

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestMain(m *testing.M) { Main(m) }

func TestEachStartsClean(t *testing.T) {
	script := redis.NewScript("return redis.call('SET', KEYS[1], 'left by an earlier test')")
	for range 2 {
		Each(t, func(t *testing.T, env *Env) {
			ctx := t.Context()
			for _, key := range []string{"a", "b", "c"} { // of three slots
				if err := env.Client.Get(ctx, key).Err(); err != redis.Nil {
					t.Errorf("GET %s before it is set: %v, want redis.Nil", key, err)
				}
				if err := script.EvalSha(ctx, env.Client, []string{key}).Err(); !redis.HasErrorPrefix(err, "NOSCRIPT") {
					t.Errorf("EVALSHA %s before the script is loaded: %v, want NOSCRIPT", key, err)
				}
			}
			for _, key := range []string{"a", "b", "c"} {
				if err := script.Run(ctx, env.Client, []string{key}).Err(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestEnv(t *testing.T) {
	Each(t, func(t *testing.T, env *Env) {
		ctx := t.Context()
		other := env.NewClient(t, func(o *redis.UniversalOptions) { o.ClientName = "other" })
		for _, key := range []string{"a", "b", "c"} {
			if err := env.Client.Set(ctx, key, "v", time.Hour).Err(); err != nil {
				t.Fatal(err)
			}
			if err := env.Client.Set(ctx, key+"-forever", "v", 0).Err(); err != nil {
				t.Fatal(err)
			}
			if got, err := other.Get(ctx, key).Result(); got != "v" || err != nil {
				t.Errorf("GET %s by another client: %q, %v", key, got, err)
			}
		}

		env.Advance(t, 50*time.Minute)
		for _, key := range []string{"a", "b", "c"} {
			if ttl := env.Client.PTTL(ctx, key).Val(); ttl <= 9*time.Minute || ttl > 10*time.Minute {
				t.Errorf("%s lives for %v after 50 minutes of its hour", key, ttl)
			}
		}
		env.Advance(t, 10*time.Minute)
		for _, key := range []string{"a", "b", "c"} {
			if n := env.Client.Exists(ctx, key).Val(); n != 0 {
				t.Errorf("%s is there after its hour", key)
			}
			if n := env.Client.Exists(ctx, key+"-forever").Val(); n != 1 {
				t.Errorf("%s-forever has expired", key)
			}
		}

		env.FlushAll(t)
		for _, key := range []string{"a", "b", "c"} {
			if n := env.Client.Exists(ctx, key+"-forever").Val(); n != 0 {
				t.Errorf("%s-forever is there after FlushAll", key)
			}
		}
	})
}

func TestEachIsAClusterWhereItSaysSo(t *testing.T) {
	Each(t, func(t *testing.T, env *Env) {
		err := env.Client.MGet(t.Context(), "a", "b").Err()
		if crossed := redis.HasErrorPrefix(err, "CROSSSLOT"); crossed != (env.Topology == Cluster) {
			t.Errorf("MGET of two slots on %s: %v", env.Topology, err)
		}
	})
}

func TestMiniLivesByTheBubblesClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := Mini(t)
		if err := env.Client.Set(t.Context(), "k", "v", time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - time.Second)
		if got, err := env.Client.Get(t.Context(), "k").Result(); got != "v" || err != nil {
			t.Errorf("a second before its end: %q, %v", got, err)
		}
		time.Sleep(time.Second)
		if err := env.Client.Get(t.Context(), "k").Err(); err != redis.Nil {
			t.Errorf("at its end: %v, want redis.Nil", err)
		}
	})
}

func TestMiniTakesLongPipelines(t *testing.T) {
	env := Mini(t)
	p := env.Client.Pipeline()
	for range 10_000 { // more than the buffers of client and server hold
		p.Set(t.Context(), "k", "some value that takes a few bytes", 0)
	}
	if _, err := p.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// In real time a client waits for a server however busy the machine is; in a bubble it
// keeps go-redis's own timeouts, which are part of what the tests see.
func TestClientsWait(t *testing.T) {
	readTimeout := func(c redis.UniversalClient) time.Duration {
		if cluster, ok := c.(*redis.ClusterClient); ok {
			return cluster.Options().ReadTimeout
		}
		return c.(*redis.Client).Options().ReadTimeout
	}
	Each(t, func(t *testing.T, env *Env) {
		for _, c := range []redis.UniversalClient{env.Client, env.NewClient(t)} {
			if got := readTimeout(c); got != startTimeout {
				t.Errorf("ReadTimeout is %v, want %v", got, startTimeout)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		if got := readTimeout(Mini(t).Client); got >= startTimeout {
			t.Errorf("in a bubble, ReadTimeout is %v", got)
		}
	})
}

// On a busy machine, no node of a shared cluster finds another dead.
func TestSharedClustersAreCalm(t *testing.T) {
	Each(t, func(t *testing.T, env *Env) {
		if env.Topology != Cluster {
			t.Skip("no cluster")
		}
		env.forEachMaster(t, func(ctx context.Context, c *redis.Client) error {
			set, err := c.ConfigGet(ctx, "cluster-node-timeout").Result()
			if got := set["cluster-node-timeout"]; got != "3600000" {
				t.Errorf("cluster-node-timeout is %q, want an hour", got)
			}
			return err
		})
	})
}
