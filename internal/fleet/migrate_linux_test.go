package fleet

import (
	"context"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/redistest"
)

// migrate moves the slots of half of a shard's keys to another one, with all that is in them.
func (f *fleet) migrate(from, to shard, d dice) {
	f.t.Helper()
	source := redis.NewClient(&redis.Options{Addr: from.master.Addr})
	defer source.Close()
	ids := map[*redistest.Node]string{}
	for _, s := range []shard{from, to} {
		c := redis.NewClient(&redis.Options{Addr: s.master.Addr})
		id, err := c.ClusterMyID(context.Background()).Result()
		_ = c.Close()
		if err != nil {
			f.t.Errorf("fleet: CLUSTER MYID: %v", err)
			return
		}
		ids[s.master] = id
	}
	for _, i := range d.some(len(from.keys), (len(from.keys)+1)/2) {
		name := redisKey(keyNames()[from.keys[i]])
		slot := rediskey.Slot(name)
		f.command(to.master, "cluster", "setslot", slot, "importing", ids[from.master])
		f.command(from.master, "cluster", "setslot", slot, "migrating", ids[to.master])
		f.moveKeys(source, to.master, slot)
		for _, n := range []*redistest.Node{to.master, from.master} {
			f.command(n, "cluster", "setslot", slot, "node", ids[to.master])
		}
		f.awaitMaster(name, from.master)
	}
}

// moveKeys migrates what is in a slot, until nothing is.
func (f *fleet) moveKeys(source *redis.Client, to *redistest.Node, slot uint16) {
	f.t.Helper()
	ctx := context.Background()
	host, port, _ := net.SplitHostPort(to.Addr)
	for {
		keys, err := source.ClusterGetKeysInSlot(ctx, int(slot), 1).Result()
		if err != nil {
			f.t.Errorf("fleet: CLUSTER GETKEYSINSLOT: %v", err)
		}
		if len(keys) == 0 {
			return
		}
		args := []any{"migrate", host, port, "", 0, 5000, "keys"}
		for _, key := range keys {
			args = append(args, key)
		}
		if err := source.Do(ctx, args...).Err(); err != nil {
			f.t.Errorf("fleet: %v: %v", args, err)
			return
		}
		_ = pause(ctx, 5*time.Millisecond) // in which a key is here, and its control key there
	}
}
