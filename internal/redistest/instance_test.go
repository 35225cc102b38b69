package redistest

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// forEachTopology runs test for all servers and topologies, some at once.
func forEachTopology(t *testing.T, test func(t *testing.T, s Server, topology Topology), topologies ...Topology) {
	for _, s := range Servers(t) {
		for _, topology := range topologies {
			t.Run(fmt.Sprintf("%s-%s", s, topology), func(t *testing.T) {
				t.Parallel()
				test(t, s, topology)
			})
		}
	}
}

// quick makes a client give up at once.
func quick(o *redis.UniversalOptions) {
	o.MaxRetries, o.DialerRetries, o.ReadTimeout = -1, 1, 100*time.Millisecond
}

func TestInstance(t *testing.T) {
	forEachTopology(t, func(t *testing.T, s Server, topology Topology) {
		i := s.Start(t, topology, "--maxmemory", "77mb")
		c := i.Client(t)
		for j := range 20 {
			key := fmt.Sprint(j)
			if err := c.Set(t.Context(), key, key, 0).Err(); err != nil {
				t.Fatal(err)
			}
			if got, err := c.Get(t.Context(), key).Result(); got != key || err != nil {
				t.Errorf("GET %s: %q, %v", key, got, err)
			}
		}
		for _, n := range i.Nodes() {
			c := n.client()
			defer c.Close()
			if got := c.ConfigGet(t.Context(), "maxmemory").Val()["maxmemory"]; got != fmt.Sprint(77<<20) {
				t.Errorf("maxmemory of %s is %q", n.Addr, got)
			}
		}
	}, Standalone, Cluster, Sentinel)
}

func TestNothingIsLeftOfAnInstance(t *testing.T) {
	for _, s := range Servers(t) {
		var i *Instance
		t.Run(s.String(), func(t *testing.T) {
			i = s.Start(t, Sentinel)
			i.Nodes()[0].Pause(t)
		})
		for _, n := range append(i.Nodes(), i.Sentinels()...) {
			if c, err := net.Dial("tcp", n.Addr); err == nil {
				c.Close()
				t.Errorf("%s: %s still listens", s, n.Addr)
			}
		}
		if _, err := os.Stat(i.dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the folder of the instance: %v", s, err)
		}
	}
}

func TestKilledMasterIsReplaced(t *testing.T) {
	forEachTopology(t, func(t *testing.T, s Server, topology Topology) {
		i := s.Start(t, topology)
		old := i.Master(t, "k")
		old.Kill(t)
		now := i.AwaitMaster(t, "k", old)
		if err := i.Client(t).Set(t.Context(), "k", "v", 0).Err(); err != nil {
			t.Errorf("SET after the failover: %v", err)
		}
		if topology == Sentinel {
			return // which takes 20 s to make a follower of a master that comes back
		}
		old.Restart(t)
		i.AwaitReady(t)
		if got := i.Master(t, "k"); got != now {
			t.Errorf("the master is %s once %s is back, want %s", got.Addr, old.Addr, now.Addr)
		}
	}, Cluster, Sentinel)
}

func TestPauseAndResume(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			i := s.Start(t, Standalone)
			c := i.Client(t, quick)
			n := i.Master(t, "k")
			n.Pause(t)
			if err := c.Ping(t.Context()).Err(); err == nil {
				t.Error("a paused server answers")
			}
			n.Resume(t)
			if err := i.Client(t).Ping(t.Context()).Err(); err != nil {
				t.Errorf("a resumed server: %v", err)
			}
			n.Pause(t) // a paused server is stopped like any other
		})
	}
}

func TestRestartForgets(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			i := s.Start(t, Standalone)
			c := i.Client(t)
			if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
				t.Fatal(err)
			}
			n := i.Master(t, "k")
			n.Kill(t)
			n.Kill(t) // there is nothing left to do
			if err := i.Client(t, quick).Ping(t.Context()).Err(); err == nil {
				t.Error("a killed server answers")
			}
			n.Restart(t)
			if err := c.Get(t.Context(), "k").Err(); err != redis.Nil {
				t.Errorf("GET after the restart: %v, want redis.Nil", err)
			}
		})
	}
}

func TestStartFailures(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			_, err := launch(s, Standalone, []string{"--no-such-setting", "1"})
			if err == nil || !strings.Contains(err.Error(), "no-such-setting") {
				t.Errorf("an unknown setting: %v, want an error with the server's own words", err)
			}
			if _, err := launch(s, "star", nil); err == nil || !strings.Contains(err.Error(), "star") {
				t.Errorf("an unknown topology: %v", err)
			}
		})
	}
}

func TestTakenPort(t *testing.T) {
	for _, s := range Servers(t) {
		t.Run(s.String(), func(t *testing.T) {
			first := s.Start(t, Standalone).Nodes()[0]
			ports.Lock()
			ports.next = first.port // as if another program had it
			ports.Unlock()
			second := s.Start(t, Standalone).Nodes()[0]
			if second.Addr == first.Addr || !second.running() {
				t.Errorf("the first server is on %s, the second on %s (running: %v)", first.Addr, second.Addr, second.running())
			}
		})
	}
}
