package client

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/faultnet"
	"github.com/asidecache/aside/internal/redistest"
)

// A smallCluster has three masters with a replica each, which all are one server in memory and
// tell where the masters are. One of them can be dead.
type smallCluster struct {
	mini *redistest.Env
	rdb  *redis.ClusterClient

	mu       sync.Mutex // guards all below
	masters  [3]string
	replicas [3]string
	dead     string // its address
	fault    faultnet.Dialer
	asked    int // how often where the masters are
}

func newSmallCluster(t *testing.T, fault faultnet.Dialer) *smallCluster {
	c := &smallCluster{mini: redistest.Mini(t), fault: fault}
	for i := range c.masters {
		c.masters[i] = fmt.Sprintf("10.0.0.%d:6379", i+1)
		c.replicas[i] = fmt.Sprintf("10.0.0.%d:6379", i+4)
	}
	if err := c.mini.Client.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	c.mini.Mini.Server().SetPreHook(func(peer *server.Peer, command string, args ...string) bool {
		if command != "CLUSTER" || !strings.EqualFold(args[0], "slots") {
			return false
		}
		c.answer(peer)
		return true
	})
	c.rdb = redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: []string{c.masters[0]}, PoolSize: 100, DisableIdentity: true,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == c.isDead() {
				return c.fault(ctx, network, addr)
			}
			return c.mini.Client.(*redis.Client).Options().Dialer(ctx, network, addr)
		},
	})
	return c
}

func (c *smallCluster) isDead() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead
}

// answer tells where the masters are, as CLUSTER SLOTS does.
func (c *smallCluster) answer(peer *server.Peer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	peer.WriteLen(len(c.masters))
	for i := range c.masters {
		peer.WriteLen(4)
		peer.WriteInt(i * 5462)
		peer.WriteInt(min(i*5462+5461, 16383))
		for _, addr := range []string{c.masters[i], c.replicas[i]} {
			host, _, _ := net.SplitHostPort(addr)
			peer.WriteLen(3)
			peer.WriteBulk(host)
			peer.WriteInt(6379)
			peer.WriteBulk(addr)
		}
	}
}

// A writer writes to a cluster.
type writer struct{ *Client }

// open returns a client of the cluster, which has ended long before the test does.
func (c *smallCluster) open(t *testing.T) writer {
	w := writer{mustNewWithin(t, c.rdb, time.Second)}
	t.Cleanup(func() {
		w.Close()
		_ = c.rdb.Close()
		time.Sleep(time.Hour)
	})
	return w
}

func (w writer) write(t *testing.T) error {
	_, err := w.ReadReply(w.Context(t.Context(), time.Now()), "set", "k", "v")
	return err
}

// die has the master of a key die.
func (c *smallCluster) die(t *testing.T, key string) {
	t.Helper()
	master, err := c.rdb.MasterForKey(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = master.Options().Addr
}

// promote has each dead master's replica in its place.
func (c *smallCluster) promote() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.masters {
		if c.masters[i] == c.dead {
			c.masters[i], c.replicas[i] = c.replicas[i], c.masters[i]
		}
	}
}

// reloads returns how often the cluster was asked where its masters are.
func (c *smallCluster) reloads() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked
}

// lostMasters are ways in which a cluster loses a master, and how often a second its map may be
// asked for meanwhile.
var lostMasters = map[string]faultnet.Dialer{"refused": faultnet.Refused, "silent": faultnet.Silent}

// The keys of a master that was lost are served soon after another one has its place, also where
// the old one accepts connections and is silent, so that whoever asks it for the map waits.
func TestReloadAfterAPromotion(t *testing.T) {
	const rounds = 20
	for name, fault := range lostMasters {
		t.Run(name, func(t *testing.T) {
			var sum, worst time.Duration
			for range rounds {
				synctest.Test(t, func(t *testing.T) {
					took := promotion(t, fault)
					sum, worst = sum+took, max(worst, took)
				})
			}
			// One of six servers is silent: a reload in six asks it first.
			t.Logf("%v on average, %v at worst", sum/rounds, worst)
			if sum/rounds > 500*time.Millisecond {
				t.Errorf("written %v after the promotion on average, %v at worst", sum/rounds, worst)
			}
		})
	}
}

// promotion returns how long after a promotion a key can be written.
func promotion(t *testing.T, fault faultnet.Dialer) time.Duration {
	cluster := newSmallCluster(t, fault)
	c := cluster.open(t)
	cluster.die(t, "k")
	for began := time.Now(); time.Since(began) < 5*time.Second; time.Sleep(10 * time.Millisecond) {
		if c.write(t) == nil {
			t.Fatal("a master that is lost was written to")
		}
	}
	// Some 6 s have passed, and late answers are asked for again.
	if asked := cluster.reloads(); asked > 2*6*int(time.Second/reloadEvery) {
		t.Errorf("the map was asked for %d times", asked)
	}
	cluster.promote()
	began := time.Now()
	for c.write(t) != nil {
		time.Sleep(time.Millisecond)
	}
	return time.Since(began)
}

// What was told late is asked for again at once: it may be the view of a master that was frozen and
// does not know yet that it is none any more. It is not asked for without end.
func TestReloadAfterALateAnswer(t *testing.T) {
	for late, want := range map[int]int{0: 1, 1: 2, 2: 3, 1000: maxLate} {
		t.Run(fmt.Sprint(late, " late"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked atomic.Int32
				cluster := redis.NewClusterClient(&redis.ClusterOptions{
					ClusterSlots: func(context.Context) ([]redis.ClusterSlot, error) {
						if int(asked.Add(1)) <= late {
							time.Sleep(time.Second)
						}
						return *halves(first, second), nil
					},
				})
				defer time.Sleep(time.Hour)
				defer cluster.Close()
				c := mustNewWithin(t, cluster, time.Second)
				defer c.Close()
				c.reloads.want(cluster)
				time.Sleep(time.Minute)
				if n := int(asked.Load()); n != want {
					t.Errorf("asked %d times, want %d", n, want)
				}
			})
		})
	}
}

// Nothing is reloaded while nobody calls, nor after Close.
func TestReloadsEnd(t *testing.T) {
	for name, fault := range lostMasters {
		for _, closes := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", closed ", closes), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { reloadsEnd(t, fault, closes) })
			})
		}
	}
}

func reloadsEnd(t *testing.T, fault faultnet.Dialer, closes bool) {
	cluster := newSmallCluster(t, fault)
	c := cluster.open(t)
	cluster.die(t, "k")
	for range 20 {
		_ = c.write(t)
	}
	if closes {
		c.Close()
		time.Sleep(10 * time.Second) // what was asked before ends in its own time
	} else {
		time.Sleep(2 * restAfter)
	}
	asked := cluster.reloads()
	time.Sleep(time.Hour)
	if again := cluster.reloads() - asked; again > 0 {
		t.Errorf("in an hour the map was asked for %d times", again)
	}
	c.reloads.mu.Lock()
	defer c.reloads.mu.Unlock()
	if c.reloads.running || c.reloads.underWay > 0 {
		t.Errorf("running: %v, %d under way", c.reloads.running, c.reloads.underWay)
	}
	if !closes {
		return
	}
	c.reloads.mu.Unlock()
	c.reloads.want(cluster.rdb)
	synctest.Wait()
	c.reloads.mu.Lock()
	if c.reloads.running {
		t.Error("a reload was begun after Close")
	}
}

// A client without a map has none to reload.
func TestReloadOfOneServer(t *testing.T) {
	c := mustNew(t, redistest.Mini(t).Client)
	defer c.Close()
	if c.reloads.want(c.rdb) || c.reloads.running {
		t.Error("the map of a client of one server is reloaded")
	}
}
