package fleet

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
)

// stagedLife is the longest that a value may lie about that was to be put in place.
const stagedLife = 30 * time.Second

// inspect looks at what rests in Redis once the fleet has stopped. What the keys
// hold counts as a read of them; what should not lie there is an error.
func (f *fleet) inspect() {
	f.t.Helper()
	type entry struct{ key, version int }
	index := map[string]entry{}
	for i, name := range keyNames() {
		for _, version := range f.plan.versions() {
			index[valueKey(version, name)] = entry{i, version}
		}
	}
	ctx := context.Background()
	f.onMasters(func(c *redis.Client) error {
		if role, err := c.Do(ctx, "ROLE").Slice(); err != nil || role[0] != "master" {
			f.t.Errorf("fleet: %s is no longer a master, %v: what a failover forgets is no fault of the cache", c.Options().Addr, err)
		}
		for keys := c.Scan(ctx, 0, "*", 1000).Iterator(); ; {
			if !keys.Next(ctx) {
				return keys.Err()
			}
			name := keys.Val()
			switch at, isValue := index[name]; {
			case isValue:
				f.inspectValue(ctx, c, at.key, at.version, name)
			case strings.HasPrefix(name, "aside:"):
				f.inspectControl(ctx, c, name)
			}
		}
	})
}

// inspectValue reads a value key, which may be gone by now.
func (f *fleet) inspectValue(ctx context.Context, c *redis.Client, key, version int, name string) {
	f.t.Helper()
	e := event{kind: read, op: atRest, key: key, outcome: found, span: span{begin: now()}}
	var w codec.Wire
	w.Reset(name)
	if f.plan.List {
		for _, elem := range c.LRange(ctx, name, 0, -1).Val() {
			w.Add(nil, []byte(elem))
		}
	} else if b, err := c.Get(ctx, name).Bytes(); err == nil {
		w.Add(nil, b)
	}
	if w.Len() == 0 {
		return // it has expired since
	}
	var v []string
	err := codecOf(version, f.plan.List).Decode(&w, &v)
	if err == nil {
		e.version, err = versionOf(key, v)
	}
	if err != nil {
		f.t.Errorf("fleet: at rest: %s: %v", name, err)
		return
	}
	if life := c.PTTL(ctx, name).Val(); life == withoutEnd && key >= sharedKeys { // others may store for ever
		f.t.Errorf("fleet: at rest: %s has no TTL", name)
	}
	e.end = now()
	f.note(e)
}

// withoutEnd is how go-redis tells of a key without a TTL.
const withoutEnd time.Duration = -1

// inspectControl looks at a key of the cache's own.
func (f *fleet) inspectControl(ctx context.Context, c *redis.Client, name string) {
	f.t.Helper()
	begin := now()
	content, _ := c.Get(ctx, name).Result() // of another type if it is a staged list
	life := c.PTTL(ctx, name).Val()
	if life == withoutEnd {
		f.t.Errorf("fleet: at rest: %s has no TTL", name)
	}
	value, isControl := strings.CutPrefix(strings.TrimSuffix(name, "}"), "aside:{")
	longest := max(f.plan.TTL, f.plan.longMark()) + f.plan.Stale // of a mark
	switch {
	case !isControl:
		longest = stagedLife
	case strings.HasPrefix(content, "L"):
		longest = f.plan.Lease
	default:
		key := slices.Index(keyNames(), strings.TrimPrefix(value, redisKey("")))
		for _, version := range f.plan.versions() {
			if key < 0 || !saysNone(content, version) || c.Exists(ctx, valueKey(version, keyNames()[key])).Val() > 0 {
				continue // a value that is there counts alone
			}
			f.note(event{kind: read, op: atRest, key: key, outcome: absent, span: span{begin, now()}})
		}
	}
	if life > longest {
		f.t.Errorf("fleet: at rest: %s has %v left to live, more than %v", name, life, longest)
	}
	if isLeft := !isControl || strings.HasPrefix(content, "L"); isLeft && f.plan.faults == nil && life > 0 {
		f.t.Errorf("fleet: at rest: %s was left behind", name)
	}
}

// saysNone reports whether a control key says that a version has no value, or an empty one.
func saysNone(content string, version int) bool {
	switch {
	case content == "N":
		return true
	case content == "E":
		return version == 0
	}
	return strings.HasPrefix(content, "E@") && slices.Contains(strings.Split(content, "@"), strconv.Itoa(version))
}
