package redistest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// masterName is what the Sentinels call their master.
const masterName = "main"

// dataSettings are those of every node that holds data: nothing on disk, and no
// wait for further replicas before one is served.
var dataSettings = []string{`save ""`, "appendonly no", "repl-diskless-sync-delay 0"}

func (i *Instance) prepareStandalone(args []string) (err error) {
	if i.nodes, err = i.newNodes(1, args); err != nil {
		return err
	}
	return i.nodes[0].configure(dataSettings...)
}

// A server counts as failed after so many milliseconds without an answer, which a
// test that waits for a failover has to wait for. Those that do not are to use StartCalm.
const failedAfter = "2000"

// prepareCluster writes what the nodes of a cluster would note down of each other
// once they had met: so they need not meet, which takes seconds.
func (i *Instance) prepareCluster(args []string) (err error) {
	const masters, slots = 3, 16384
	if i.nodes, err = i.newNodes(2*masters, args); err != nil {
		return err
	}
	for _, n := range i.nodes {
		lines := make([]string, 0, 2*masters+1)
		for j, other := range i.nodes {
			m := j % masters
			role, of, owned := "master", "-", fmt.Sprintf(" %d-%d", m*slots/masters, (m+1)*slots/masters-1)
			if j >= masters {
				role, of, owned = "slave", i.nodes[m].id, ""
			}
			if other == n {
				role = "myself," + role
			}
			lines = append(lines, fmt.Sprintf("%s %s@%d %s %s 0 0 %d connected%s", other.id, other.Addr, other.busPort, role, of, m+1, owned))
		}
		lines = append(lines, fmt.Sprintf("vars currentEpoch %d lastVoteEpoch 0", masters))
		if err := n.write("nodes.conf", lines...); err != nil {
			return err
		}
		if err := n.configure(slices.Concat(dataSettings, []string{
			"cluster-enabled yes", "cluster-config-file nodes.conf", fmt.Sprintf("cluster-port %d", n.busPort),
			"cluster-node-timeout " + failedAfter, "cluster-allow-replica-migration no",
		})...); err != nil {
			return err
		}
	}
	return nil
}

// prepareSentinel writes what the Sentinels would find out: their discovery of
// each other takes seconds.
func (i *Instance) prepareSentinel(args []string) (err error) {
	if i.nodes, err = i.newNodes(2, args); err != nil {
		return err
	}
	if i.sentinels, err = i.newNodes(3, []string{"--sentinel"}); err != nil {
		return err
	}
	master, replica := i.nodes[0], i.nodes[1]
	if err := master.configure(dataSettings...); err != nil {
		return err
	}
	if err := replica.configure(append(slices.Clone(dataSettings), fmt.Sprintf("replicaof 127.0.0.1 %d", master.port))...); err != nil {
		return err
	}
	for _, n := range i.sentinels {
		lines := []string{
			"sentinel myid " + n.id,
			fmt.Sprintf("sentinel monitor %s 127.0.0.1 %d 2", masterName, master.port),
			"sentinel down-after-milliseconds " + masterName + " " + failedAfter,
			"sentinel failover-timeout " + masterName + " " + failedAfter, // a lost vote is repeated after twice that
			fmt.Sprintf("sentinel known-replica %s 127.0.0.1 %d", masterName, replica.port),
		}
		for _, other := range i.sentinels {
			if other != n {
				lines = append(lines, fmt.Sprintf("sentinel known-sentinel %s 127.0.0.1 %d %s", masterName, other.port, other.id))
			}
		}
		if err := n.configure(lines...); err != nil {
			return err
		}
	}
	return nil
}

// StartCalm is Start for a test that harms no server: however late one is to answer on a
// busy machine, none is replaced, and no cluster is down.
func (s Server) StartCalm(t testing.TB, topology Topology, args ...string) *Instance {
	t.Helper()
	return s.Start(t, topology, append(withoutFailover(topology), args...)...)
}

// withoutFailover returns arguments for servers that are not to find each other dead.
func withoutFailover(topology Topology) []string {
	if topology == Cluster {
		return []string{"--cluster-node-timeout", strconv.FormatInt(time.Hour.Milliseconds(), 10)}
	}
	return nil
}

// awaitReady waits until the node finds all members of the instance well.
func (i *Instance) awaitReady(ctx context.Context, n *Node) error {
	switch {
	case slices.Contains(i.sentinels, n):
		return n.await(ctx, "find its master, replica and fellow Sentinels", i.watches)
	case i.Topology == Cluster:
		if err := n.await(ctx, "find its cluster complete", i.agrees); err != nil {
			return err
		}
	}
	return n.await(ctx, "reach its master", linked)
}

// linked is nil for a master and for a replica that follows its master.
func linked(ctx context.Context, c *redis.Client) error {
	info, err := c.InfoMap(ctx, "replication").Result()
	if err != nil {
		return err
	}
	r := info["Replication"]
	if r["role"] != "master" && r["master_link_status"] != "up" {
		return fmt.Errorf("role %s, link to the master %s", r["role"], r["master_link_status"])
	}
	return nil
}

// agrees is nil where the cluster is seen with all its nodes and slots.
func (i *Instance) agrees(ctx context.Context, c *redis.Client) error {
	info, err := c.ClusterInfo(ctx).Result()
	if err != nil {
		return err
	}
	want := []string{"cluster_state:ok", "cluster_slots_ok:16384", fmt.Sprintf("cluster_known_nodes:%d", len(i.nodes))}
	lines := strings.Fields(info)
	for _, w := range want {
		if !slices.Contains(lines, w) {
			return fmt.Errorf("CLUSTER INFO lacks %s: %s", w, strings.Join(lines, " "))
		}
	}
	return nil
}

// watches is nil where a Sentinel can replace its master: it reaches a quorum,
// and the replica follows.
func (i *Instance) watches(ctx context.Context, c *redis.Client) error {
	if err := c.Do(ctx, "SENTINEL", "CKQUORUM", masterName).Err(); err != nil {
		return err
	}
	sentinel := redis.NewSentinelClient(c.Options())
	defer sentinel.Close()
	master, err := sentinel.Master(ctx, masterName).Result()
	if err != nil {
		return err
	}
	if master["flags"] != "master" || master["num-other-sentinels"] != fmt.Sprint(len(i.sentinels)-1) {
		return fmt.Errorf("master %v", master)
	}
	replicas, err := sentinel.Replicas(ctx, masterName).Result()
	if err != nil {
		return err
	}
	for _, r := range replicas {
		if r["flags"] != "slave" || r["master-link-status"] != "ok" {
			return fmt.Errorf("replica %v", r)
		}
	}
	if len(replicas) != len(i.nodes)-1 {
		return fmt.Errorf("%d replicas", len(replicas))
	}
	return nil
}
