package tracking

import (
	"context"
	"errors"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const slots = 16384

// A slotSet is a set of slots.
type slotSet [slots / 64]uint64

func (s *slotSet) add(slot int)      { s[slot/64] |= 1 << (slot % 64) }
func (s *slotSet) remove(slot int)   { s[slot/64] &^= 1 << (slot % 64) }
func (s *slotSet) has(slot int) bool { return s[slot/64]&(1<<(slot%64)) != 0 }

func (s *slotSet) len() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// A slotTable has the node of each slot, nil where none is listened to.
type slotTable [slots]*node

// A view is what a master of a cluster says of itself and of the others.
type view struct {
	own     slotSet // slots that it has, but for those that are about to move
	masters int     // that have slots
}

// errUnknownSlots is that of an answer that does not say which slots the server has.
var errUnknownSlots = errors.New("CLUSTER NODES does not say what the server has")

// parseNodes reads an answer to CLUSTER NODES.
func parseNodes(answer any) (*view, error) {
	text, _ := answer.(string)
	v := new(view)
	found := false
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 8 {
			continue
		}
		flags := strings.Split(fields[2], ",")
		if !slices.Contains(flags, "master") {
			if slices.Contains(flags, "myself") {
				return nil, errNotMaster
			}
			continue
		}
		if len(fields) > 8 && !slices.Contains(flags, "fail") {
			v.masters++
		}
		if slices.Contains(flags, "myself") {
			found = true
			if err := v.own.parse(fields[8:]); err != nil {
				return nil, err
			}
		}
	}
	if !found {
		return nil, errUnknownSlots
	}
	return v, nil
}

// parse adds slots as in "5461-10922", "5461" or, for one that moves away, "[5461->-id]".
func (s *slotSet) parse(fields []string) error {
	for _, field := range fields {
		if moving, ok := strings.CutPrefix(field, "["); ok {
			number, _, away := strings.Cut(moving, "->-")
			if slot, err := strconv.Atoi(number); away && err == nil && 0 <= slot && slot < slots {
				s.remove(slot) // its keys may be at the other master already
			}
			continue
		}
		first, last, isRange := strings.Cut(field, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err != nil || err2 != nil || from < 0 || from > to || to >= slots {
			return errUnknownSlots
		}
		for slot := from; slot <= to; slot++ {
			s.add(slot)
		}
	}
	return nil
}

// claim notes what a master says that it has, nil if it says nothing any more.
func (of *shared) claim(n *node, v *view) {
	of.mu.Lock()
	if v == nil && n.view == nil || v != nil && n.view != nil && *v == *n.view {
		of.mu.Unlock()
		return
	}
	n.view = v
	masters := 0
	for _, n := range of.nodes {
		if n.view != nil && n.view.own.len() > 0 {
			masters++
		}
	}
	losers := of.assign()
	of.mu.Unlock()
	for _, loser := range losers {
		loser.renew()
	}
	if v == nil || v.masters != masters {
		of.look()
	}
	of.tell()
}

// assign makes a table of which node has a slot: that which alone says so. It returns the nodes
// that have lost any, which is called with mu held.
func (of *shared) assign() (losers []*node) {
	table := new(slotTable)
	contested := new(slotSet)
	for _, n := range of.nodes {
		if n.view == nil {
			continue
		}
		for slot := range slots {
			switch {
			case !n.view.own.has(slot):
			case table[slot] != nil:
				contested.add(slot)
			default:
				table[slot] = n
			}
		}
	}
	old := of.table.Load()
	for slot := range slots {
		if contested.has(slot) {
			table[slot] = nil
		}
		if old == nil {
			continue
		}
		if n := old[slot]; n != nil && n != table[slot] && !slices.Contains(losers, n) {
			losers = append(losers, n)
		}
	}
	of.table.Store(table)
	return losers
}

const (
	lookEvery = 10 * time.Second       // without a reason
	lookPause = 200 * time.Millisecond // at the least
)

// look has the masters looked for now.
func (of *shared) look() {
	select {
	case of.looking <- struct{}{}:
	default:
	}
}

// findMasters keeps a node for each master of a cluster.
func (of *shared) findMasters(ctx context.Context, cluster *redis.ClusterClient) {
	for ctx.Err() == nil {
		every := lookEvery
		if err := of.findOnce(ctx, cluster); err != nil {
			every = time.Second
		}
		select {
		case <-time.After(every):
		case <-of.looking:
		case <-ctx.Done():
		}
		select {
		case <-time.After(lookPause):
		case <-ctx.Done():
		}
	}
}

// findOnce asks go-redis for the masters, which asks the cluster.
func (of *shared) findOnce(ctx context.Context, cluster *redis.ClusterClient) error {
	found, err := mastersOf(ctx, cluster)
	if err != nil {
		of.mu.Lock()
		of.err = err
		of.mu.Unlock()
		of.tell()
		return err
	}
	of.mu.Lock()
	of.err = nil
	for addr, n := range of.nodes {
		// What a master says of itself is later than what others say of it.
		if _, ok := found[addr]; !ok && n.view == nil {
			n.cancel()
			delete(of.nodes, addr)
		}
	}
	for addr, opt := range found {
		if of.nodes[addr] == nil {
			of.add(addr, opt)
		}
	}
	of.mu.Unlock()
	of.tell()
	return nil
}

// mastersOf returns how to connect to each master of a cluster, by address.
func mastersOf(
	ctx context.Context, cluster *redis.ClusterClient,
) (map[string]*redis.Options, error) {
	return within(ctx, func() (map[string]*redis.Options, error) {
		var mu sync.Mutex // guards masters
		masters := make(map[string]*redis.Options)
		err := cluster.ForEachMaster(ctx, func(_ context.Context, master *redis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			masters[master.Options().Addr] = master.Options()
			return nil
		})
		return masters, err
	}, func(map[string]*redis.Options) {})
}
