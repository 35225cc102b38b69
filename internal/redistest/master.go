package redistest

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Master returns the node that is the master of a key. It waits until all
// servers that neither died nor are paused agree on it; it may be a dead one that
// they have not replaced yet.
func (i *Instance) Master(t testing.TB, key string) *Node {
	t.Helper()
	return i.AwaitMaster(t, key, nil)
}

// AwaitMaster is Master, but waits until another node than old is the master.
func (i *Instance) AwaitMaster(t testing.TB, key string, old *Node) *Node {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	var master *Node
	err := poll(ctx, nil, func() (err error) {
		if master, err = i.master(ctx, key); err == nil && master == old {
			err = fmt.Errorf("it still is %s", old.Addr)
		}
		return err
	})
	if err != nil {
		t.Fatalf("redistest: who is the master of %q: %v", key, err)
	}
	return master
}

// HandOver has the replica of a key's master take its place, which loses nothing: as with CLUSTER
// FAILOVER, the master holds writes back until the replica has all. There is no election, as a
// cluster does not repeat one that is lost, as on a busy machine, for hours where it is calm.
func (i *Instance) HandOver(t testing.TB, key string, master, replica *Node) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	from, to := master.client(), replica.client()
	defer from.Close()
	defer to.Close()
	if err := from.Do(ctx, "client", "pause", startTimeout.Milliseconds(), "write").Err(); err != nil {
		t.Fatalf("redistest: pause writes of %s: %v", master.Addr, err)
	}
	err := poll(ctx, nil, func() error {
		if now, err := i.master(ctx, key); err == nil && now != master {
			return nil // what has had no answer in time was done
		}
		written, err := offset(ctx, from, 1) // master, offset, replicas
		if err != nil {
			return err
		}
		copied, err := offset(ctx, to, 4) // slave, host, port, state, offset
		switch {
		case err != nil:
			return err
		case copied != written:
			return fmt.Errorf("its replica has %d of %d bytes", copied, written)
		}
		return to.Do(ctx, "cluster", "failover", "takeover").Err()
	})
	if err != nil {
		t.Fatalf("redistest: replace %s: %v", master.Addr, err)
	}
	i.AwaitMaster(t, key, master)
	if err := from.ClientUnpause(ctx).Err(); err != nil {
		t.Fatalf("redistest: let %s go on: %v", master.Addr, err)
	}
}

// offset returns the number of bytes that were replicated, which is the i-th element of what ROLE
// answers.
func offset(ctx context.Context, c *redis.Client, i int) (int64, error) {
	role, err := c.Do(ctx, "role").Slice()
	if err != nil {
		return 0, err
	}
	if len(role) <= i {
		return 0, fmt.Errorf("its role is %v", role)
	}
	n, ok := role[i].(int64)
	if !ok {
		return 0, fmt.Errorf("its role is %v", role)
	}
	return n, nil
}

func (i *Instance) master(ctx context.Context, key string) (*Node, error) {
	switch i.Topology {
	case Cluster:
		return i.agreed(i.nodes, func(c *redis.Client) (string, error) { return slotOwner(ctx, c, key) })
	case Sentinel:
		return i.agreed(i.sentinels, func(c *redis.Client) (string, error) { return watched(ctx, c) })
	default:
		return i.nodes[0], nil
	}
}

// agreed asks the nodes for an address and returns its node. It is an error if
// one that neither died nor is paused gives none, or if two answers differ.
func (i *Instance) agreed(nodes []*Node, ask func(*redis.Client) (addr string, err error)) (*Node, error) {
	var mu sync.Mutex
	answers := map[string]string{}
	err := each(nodes, func(n *Node) error {
		if !n.running() || n.paused {
			return nil
		}
		c := n.client()
		defer c.Close()
		addr, err := ask(c)
		mu.Lock()
		defer mu.Unlock()
		answers[addr] = n.Addr
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, n := range i.nodes {
		if _, ok := answers[n.Addr]; ok && len(answers) == 1 {
			return n, nil
		}
	}
	return nil, fmt.Errorf("the answers, and a server that gives each: %v", answers)
}

// slotOwner returns the address of the master of a key's slot, as a member of
// the cluster sees it.
func slotOwner(ctx context.Context, c *redis.Client, key string) (string, error) {
	err := c.Exists(ctx, key).Err()
	if addr, moved := redis.IsMovedError(err); moved {
		return addr, nil
	}
	return c.Options().Addr, err
}

// watched returns the address of the master, as a Sentinel sees it.
func watched(ctx context.Context, c *redis.Client) (string, error) {
	sentinel := redis.NewSentinelClient(c.Options())
	defer sentinel.Close()
	addr, err := sentinel.GetMasterAddrByName(ctx, masterName).Result()
	if err != nil {
		return "", err
	}
	return net.JoinHostPort(addr[0], addr[1]), nil
}
