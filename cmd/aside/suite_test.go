package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/cache"
	"github.com/asidecache/aside/internal/redistest"
)

// fill sets keys of some caches.
func fill(t *testing.T, rdb redis.UniversalClient, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if err := rdb.Set(t.Context(), key, "Ada", time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// Keys of all masters are listed, with odd ones in a form that delete reads again.
func TestKeysAndDelete(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		env.FlushAll(t)
		url := onServer(t, env)
		keys := []string{"user:42", "user:43", "user:a}b\n", "user:{acme}:1", `user:"x"`, "user@2{user:42}", "user:\xff"}
		fill(t, env.Client, append(keys, "order:1", "aside:{user:42}", "aside:{order:1}")...)
		listed := aside(t, url, "", "keys", "-name", "user")
		if lines := strings.Count(listed.stdout, "\n"); listed.code != exitOK || lines != len(keys) {
			t.Fatalf("exit code %d, %d keys: %s%s", listed.code, lines, listed.stdout, listed.stderr)
		}
		control := aside(t, url, "", "keys", "-control", "user:*")
		if !strings.Contains(control.stdout, "aside:{user:42}\n") || strings.Contains(control.stdout, "order") {
			t.Errorf("with control keys: %s", control.stdout)
		}
		deleted := aside(t, url, listed.stdout, "delete", "-")
		if deleted.code != exitOK || deleted.stderr != "" {
			t.Fatalf("delete: exit code %d, %s%s", deleted.code, deleted.stdout, deleted.stderr)
		}
		if left := env.Keys(t); !slices.Equal(left, []string{"aside:{order:1}", "order:1"}) {
			t.Errorf("left are %q", left)
		}
		again := aside(t, url, listed.stdout, "delete", "-json", "-")
		if again.code != exitNotFound || strings.Count(again.stdout, `"value":false,"control":"none","versions":0`) != len(keys) {
			t.Errorf("once more: exit code %d, %s", again.code, again.stdout)
		}
	})
}

// Versions beside a deleted key go too, also those that a cache of its version would leave.
func TestDeleteOfVersions(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		env.FlushAll(t)
		url := onServer(t, env)
		fill(t, env.Client, "shop:user:42", "shop:user@1{shop:user:42}", "shop:user@5{shop:user:42}")
		r := aside(t, url, "", "delete", "shop:user:42")
		if want := "shop:user:42: deleted, in 3 versions\n"; r.stdout != want || len(env.Keys(t)) != 0 {
			t.Errorf("%q, want %q; left are %q; %s", r.stdout, want, env.Keys(t), r.stderr)
		}
	})
}

// A load that runs while its key is deleted is not stored, as with the Delete of a cache.
func TestDeleteFencesLoads(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		env.FlushAll(t)
		url := onServer(t, env)
		users, err := cache.New(env.NewClient(t), cache.Config[int64, string]{Name: "user", TTL: time.Hour, RedisTimeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer users.Close()
		loads, r := 0, result{}
		v, err := users.GetOrSet(t.Context(), 42, func(context.Context, int64) (string, error) {
			if loads++; loads == 1 {
				r = aside(t, url, "", "delete", "user:42")
				return "old", nil
			}
			return "new", nil
		})
		if want := "user:42: there was no value; a load that was running will not be stored\n"; r.stdout != want || r.code != exitOK {
			t.Errorf("delete: exit code %d, %q, want %q; %s", r.code, r.stdout, want, r.stderr)
		}
		if stored, found, _ := users.Get(t.Context(), 42); found && stored == "old" {
			t.Errorf("the load was stored; GetOrSet has returned %q, %v", v, err)
		}
	})
}

// All keys are counted, and of a family with many a sample is measured.
func TestDu(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		env.FlushAll(t)
		url := onServer(t, env)
		pipe := env.Client.Pipeline()
		for i := range 3000 {
			pipe.Set(t.Context(), fmt.Sprintf("user:%d", i), strings.Repeat("x", 100+i%50), 0)
		}
		pipe.HSet(t.Context(), "order:1", "a", "b")
		if _, err := pipe.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		r := aside(t, url, "", "-json", "du", "-sample", "100")
		found := map[string]measured{}
		for line := range strings.Lines(r.stdout) {
			var m measured
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			found[m.Family] = m
		}
		users, order, total := found["user"], found["order"], found["total"]
		if users.Keys != 3000 || users.Sampled != 100 || users.Bytes == nil || users.Bound == nil || *users.Bound >= *users.Bytes ||
			order.Keys != 1 || order.Bound != nil || total.Keys != 3001 || len(found) != 3 {
			t.Errorf("%s%s", r.stdout, r.stderr)
		}
		if real := realSize(t, env); env.Mini == nil && users.Bytes != nil && (float64(*users.Bytes) < 0.9*real || float64(*users.Bytes) > 1.1*real) {
			t.Errorf("%d bytes are estimated, want %.0f", *users.Bytes, real)
		}
	})
}

// realSize is how many bytes the keys of TestDu take.
func realSize(t *testing.T, env *redistest.Env) (sum float64) {
	pipe := env.Client.Pipeline()
	for i := range 3000 {
		pipe.MemoryUsage(t.Context(), fmt.Sprintf("user:%d", i))
	}
	cmds, err := pipe.Exec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range cmds {
		sum += float64(cmd.(*redis.IntCmd).Val())
	}
	return sum
}

// One node of a cluster is a cluster with -cluster, and without it the error says so.
func TestOneNodeOfACluster(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Topology != redistest.Cluster {
			return
		}
		env.FlushAll(t)
		fill(t, env.Client, "user:1", "user:2", "user:3", "user:4", "user:5", "user:6")
		one := "redis://" + env.Client.(*redis.ClusterClient).Options().Addrs[0]
		all := []string{"inspect", "user:1", "user:2", "user:3", "user:4", "user:5", "user:6"}
		if r := aside(t, one, "", all...); r.code != exitRedis || !strings.Contains(r.stderr, "add -cluster") {
			t.Errorf("without -cluster: exit code %d, %s", r.code, r.stderr)
		}
		r := aside(t, one, "", append([]string{"-cluster"}, all...)...)
		if r.code != exitOK || strings.Count(r.stdout, "on the master 127.0.0.1:") != 6 {
			t.Errorf("with -cluster: exit code %d, %s%s", r.code, r.stdout, r.stderr)
		}
	})
}

// watched starts the program as a process that watches, and returns its lines once it listens.
func watching(t *testing.T, url string, args ...string) (cmd *exec.Cmd, stdout, stderr *bufio.Reader) {
	t.Helper()
	cmd = exec.Command(os.Args[0], append([]string{"watch"}, args...)...)
	cmd.Env = append(os.Environ(), asMain+"=1", "REDIS_URL="+url)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	stdout, stderr = bufio.NewReader(out), bufio.NewReader(errs)
	for {
		line, err := stderr.ReadString('\n')
		if err != nil {
			t.Fatalf("it has ended before it listened: %v, %s", err, line)
		}
		if strings.Contains(line, "aside: listening") {
			return cmd, stdout, stderr
		}
	}
}

// A process follows the writes to all masters, and ends by SIGINT with 0.
func TestWatch(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Mini != nil { // which has no CLIENT TRACKING
			return
		}
		for _, args := range [][]string{{"user:*"}, {"-events", "user:*"}} {
			env.FlushAll(t)
			env.EachMaster(t, func(c *redis.Client) error {
				return c.ConfigSet(t.Context(), "notify-keyspace-events", "KA").Err()
			})
			cmd, stdout, stderr := watching(t, onServer(t, env), args...)
			fill(t, env.Client, "order:1", "aside:{user:1}")
			for _, key := range []string{"user:1", "user:2", "user:3", "user:4"} {
				fill(t, env.Client, key)
				line, err := stdout.ReadString('\n')
				if err != nil || !strings.Contains(line, "  "+key+"  ") || !strings.Contains(line, "now a string for 60 min") {
					t.Errorf("%q: after a write of %s: %q, %v", args, key, line, err)
				}
				if event := "  set, "; len(args) > 1 {
					if !strings.Contains(line, event) {
						t.Errorf("the event is not named: %s", line)
					}
					_, _ = stdout.ReadString('\n') // expire
				}
			}
			env.Client.Del(t.Context(), "user:4")
			if line, err := stdout.ReadString('\n'); err != nil || !strings.Contains(line, "gone") {
				t.Errorf("after a delete: %q, %v", line, err)
			}
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			rest, _ := io.ReadAll(stdout)
			said, _ := io.ReadAll(stderr)
			if err := cmd.Wait(); err != nil || len(rest) > 0 || len(said) > 0 {
				t.Errorf("at its end: %v, %s%s", err, rest, said)
			}
		}
		env.EachMaster(t, func(c *redis.Client) error {
			return c.ConfigSet(t.Context(), "notify-keyspace-events", "").Err()
		})
	})
}

// Where a server neither tracks nor notifies, that is said.
func TestWatchOfAServerThatTellsNothing(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Mini != nil {
			return
		}
		env.Permit(t, "untold", "on", "nopass", "~*", "&*", "+@all", "-client|tracking")
		url := strings.Replace(onServer(t, env), "redis://", "redis://untold:x@", 1)
		r := aside(t, url, "", "watch", "user:*")
		for _, want := range []string{"CLIENT TRACKING", "keyspace notifications are used instead", "notify-keyspace-events is off"} {
			if r.code != exitRedis || !strings.Contains(r.stderr, want) {
				t.Errorf("exit code %d, nothing of %q: %s", r.code, want, r.stderr)
			}
		}
	})
}

// The commands work with the rights that docs/operations.md tells of.
func TestLeastRights(t *testing.T) {
	redistest.Each(t, func(t *testing.T, env *redistest.Env) {
		if env.Mini != nil { // which has no rights
			return
		}
		env.FlushAll(t)
		rules := redistest.Rules(t, "the keys of the Name `user`", "`cmd/aside`")
		if env.Topology == redistest.Cluster {
			rules = append(rules, redistest.Rules(t, "a `ClusterClient`", "a near cache, on a cluster")...)
		}
		env.Permit(t, "looks", append([]string{"reset", "on", "nopass"}, rules...)...)
		url := strings.Replace(onServer(t, env), "redis://", "redis://looks:x@", 1)
		fill(t, env.Client, "user:1", "user:2", "user@1{user:1}")
		env.Client.HSet(t.Context(), "user:3", "a", "b")
		for _, args := range [][]string{
			{"inspect", "user:1", "user:3"}, {"keys", "user:*"}, {"du"}, {"delete", "user:1", "user:2", "user:3"},
		} {
			r := aside(t, url, "", args...)
			if r.code != exitOK || r.stderr != "" || strings.Contains(r.stdout, "does not tell") || strings.Contains(r.stdout, "refused") {
				t.Errorf("%q with %q: exit code %d, %s%s", args, rules, r.code, r.stdout, r.stderr)
			}
		}
		if left := env.Keys(t); len(left) > 0 {
			t.Errorf("left are %q", left)
		}
	})
}

// Sentinels are asked for the master.
func TestSentinels(t *testing.T) {
	servers := redistest.Servers(t)
	if len(servers) == 0 {
		t.Skip("there is no server")
	}
	i := servers[0].StartCalm(t, redistest.Sentinel)
	fill(t, i.Client(t), "user:42")
	o := i.Options()
	url := "redis://" + o.Addrs[0] + "?addr=" + o.Addrs[1] + "&master_name=" + o.MasterName
	for _, args := range [][]string{{"inspect", "user:42"}, {"du"}, {"keys", "*"}, {"delete", "user:42"}} {
		if r := aside(t, url, "", args...); r.code != exitOK || r.stderr != "" {
			t.Errorf("%q: exit code %d, %s%s", args, r.code, r.stdout, r.stderr)
		}
	}
}
