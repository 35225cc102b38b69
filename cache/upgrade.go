package cache

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/keyspace"
	"github.com/asidecache/aside/internal/protocol"
)

// An Upgrade makes values V of those that the version before has stored: see UpgradeFrom. The
// zero Upgrade makes none.
type Upgrade[V any] struct {
	previous previous
	convert  func(w *codec.Wire) (V, error)
}

// previous is an Upgrade without its type.
type previous struct {
	set     bool
	codec   interface{ Shape() codec.Shape } // of the version before
	problem error
}

var (
	errNoOldCodec = errors.New("the codec is nil: pass that of the version before")
	errNoUpgrade  = errors.New("the function is nil: pass one that makes a value of this version of an older one")
)

// UpgradeFrom returns an Upgrade for Config: of what the version before, Version-1, has stored
// with the codec c, upgrade makes the values of this version.
//
//	cache.Config[int64, User]{Name: "user", Version: 2, ...
//		Upgrade: cache.UpgradeFrom[UserV1](codec.Msgpack[UserV1](), func(u UserV1) (User, error) {
//			return User{FullName: u.Name}, nil
//		})}
//
// A call that would load a key reads the value of the version before first, once it has the
// lease of the key. If there is one, what upgrade makes of it is stored in place of what a load
// would find, and no loader runs: no load counts against MaxLoads, and Observer.Load hears of
// none. To Observer.Lookup the key is Missing; its WriteEvent is Upgraded, and so it is counted
// by Stats. All that is said of loads holds: callers share it, a write of either version that
// comes meanwhile keeps it from being stored, and each caller has a value of its own.
//
// The value keeps the TTL that it had left, or has none as before: neither Config.TTL and
// Jitter nor TTLFor and the TTL of the call are asked. The value of the version before stays, for
// the processes that still run; it ends by itself, or with the next write of the key.
//
// The key is loaded if upgrade returns an error, if c finds that the entry cannot be decoded or
// is outdated, and if V cannot be encoded. Observer.Error hears of each, save of outdated ones
// and of ErrNotFound, by which upgrade says that it makes nothing of the value. It hears the
// text of any other error of upgrade, which should hold no value. A panic of upgrade is an error.
//
// upgrade has no context, and should be quick: it runs while the lease is held, one key of a
// batch after another. After LoadTimeout the calls end with an error, and the leases, even if it
// does not return. It gets an Old of its own and may use parts of that for V.
//
// Only the version before is asked, not those before that. Get, GetMany, Entry and GetFields
// without a loader do not upgrade: to them the key is missing; and Refresh loads. Where Redis
// fails, or has no memory for a lease, the key is loaded as without Upgrade.
//
// It costs one round trip at each miss, and one more in a call of GetOrSetMany that upgrades
// some keys and loads others, so take it out when the values of the version before have
// expired. It needs leases. A program that is none of the fleet and changes the value of the
// version before, by a SET of its key alone, goes unseen while that is upgraded: delete the
// control key as well.
func UpgradeFrom[Old, V any](c codec.Codec[Old], upgrade func(Old) (V, error)) Upgrade[V] {
	u := Upgrade[V]{previous: previous{set: true, codec: c}}
	switch v := reflect.ValueOf(c); {
	case c == nil, v.Kind() == reflect.Pointer && v.IsNil():
		u.previous.problem = errNoOldCodec
	case upgrade == nil:
		u.previous.problem = errNoUpgrade
	}
	u.convert = func(w *codec.Wire) (v V, err error) {
		var old Old
		if err := decodeOld(c, w, &old); err != nil {
			return v, err
		}
		defer keyspace.RecoverUpgrade(&err)
		if v, err = upgrade(old); err != nil {
			err = fmt.Errorf("upgrade: %w", err)
		}
		return v, err
	}
	return u
}

func decodeOld[Old any](c codec.Codec[Old], w *codec.Wire, old *Old) (err error) {
	defer keyspace.RecoverCodec(&err)
	return c.Decode(w, old)
}

// check adds what is wrong with an Upgrade, and reports whether there is one.
func (u *previous) check(p *keyspace.Problems, version int, lease time.Duration) bool {
	if !u.set {
		return false
	}
	p.Add("Upgrade", u.problem)
	p.Check(version != 0, "Upgrade is set and Version is 0: there is no version before that")
	p.Check(lease != Off, "Upgrade needs leases, which tell whether a write has come meanwhile: do not set Lease to Off")
	if checker, ok := u.codec.(codec.Checker); ok && u.problem == nil {
		p.Add("Upgrade: Codec", checker.Check())
	}
	return true
}

// Upgrade is part of protocol.Loader.
func (l *loads[K, V]) Upgrade(
	ctx context.Context, j *protocol.Job, p protocol.Previous, callers int,
) (loaded protocol.Loaded, ok bool) {
	c, item := l.cache, &l.items[j.Index]
	var v V
	err := p.Err
	if err == nil {
		v, err = c.upgrade(&p.Entry.Wire)
	}
	if err != nil {
		c.core.notUpgraded(ctx, Op(l.run.Op), p.Key, err)
		return loaded, false
	}
	item.value = v
	own, size, err := l.encode(ctx, j, item, callers)
	if _, alive := p.TTL(); err != nil || !alive {
		return loaded, false
	}
	item.value, item.err, item.found = own, nil, true
	c.core.stats.loaded.Add(1)
	c.core.stats.upgraded.Add(1)
	return protocol.Loaded{State: protocol.Present, Bytes: size, Upgraded: true}, true
}

// notUpgraded tells of an entry of the version before of which nothing was made.
func (c *core) notUpgraded(ctx context.Context, op Op, key string, cause error) {
	switch {
	case errors.Is(cause, ErrNotFound):
	case errors.Is(cause, codec.ErrOutdated):
		c.stats.outdated.Add(1)
	default:
		c.stats.broken.Add(1)
		c.observer.survived(ctx, c.error(op, key, ErrDecode, cause))
	}
}
