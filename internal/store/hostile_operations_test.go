package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/store"
)

// hostileTimeout is the RedisTimeout of hostile tests, in a bubble's time.
const hostileTimeout = time.Second

var hostileKeys = []string{"{t}a", "{t}b", "{t}c"}

// An operation is what a store does, in ctx and until a deadline.
type operation struct {
	shape codec.Shape
	usual map[string]string // answers that lead the operation another way
	busy  bool              // it shares a pipeline
	wait  bool              // for replicas
	fails bool              // with an error, whatever the answers
	do    func(ctx context.Context, until time.Time, s *store.Store) error
}

func hostileOperations() map[string]operation {
	ops := map[string]operation{}
	for _, shape := range []codec.Shape{
		codec.ShapeString, codec.ShapeHash, codec.ShapeList, codec.ShapeSet, codec.ShapeSortedSet,
	} {
		ops[fmt.Sprint("Read of a ", shape)] = operation{shape: shape, do: hostileRead}
	}
	for _, shape := range []codec.Shape{codec.ShapeString, codec.ShapeHash} {
		of := fmt.Sprint(" of a ", shape)
		ops["Inspect"+of] = operation{shape: shape, do: func(ctx context.Context, until time.Time, s *store.Store) error {
			return s.Inspect(ctx, until, "k", new(store.Entry), false)
		}}
		ops["Inspect with TTL"+of] = operation{shape: shape, do: func(ctx context.Context, until time.Time, s *store.Store) error {
			return s.Inspect(ctx, until, "k", new(store.Entry), true)
		}}
		ops["Probe"+of] = operation{shape: shape, do: hostileProbe}
		ops["ReadAll"+of] = operation{shape: shape, do: func(ctx context.Context, until time.Time, s *store.Store) error {
			return errors.Join(s.ReadAll(ctx, until, hostileKeys, entries(3))...)
		}}
		ops["ProbeAll"+of] = operation{shape: shape, do: func(ctx context.Context, until time.Time, s *store.Store) error {
			return errors.Join(s.ProbeAll(ctx, until, hostileKeys, entries(3))...)
		}}
		ops["Put"+of] = operation{shape: shape, do: hostilePut(1)}
		ops["Put of a large"+of] = operation{shape: shape, do: hostilePut(4000)}
		ops["Put without scripts"+of] = operation{shape: shape, do: hostilePut(1), usual: noScripts}
		ops["Commit"+of] = operation{shape: shape, do: hostileCommit(1)}
		ops["Commit of a large"+of] = operation{shape: shape, do: hostileCommit(4000)}
		ops["DoAll"+of] = operation{shape: shape, do: hostileDoAll(false, 0)}
		ops["DoAll in one step"+of] = operation{shape: shape, do: hostileDoAll(true, 0)}
	}
	ops["Read in a busy"] = operation{busy: true, do: hostileRead}
	ops["Probe in a busy"] = operation{busy: true, do: hostileProbe}
	ops["Acquire in a busy"] = operation{busy: true, do: hostileAcquire}
	ops["Delete in a busy"] = operation{busy: true, do: hostileDelete(1)}
	ops["Put in a busy"] = operation{busy: true, do: hostilePut(1)}
	ops["Acquire"] = operation{do: hostileAcquire}
	ops["AcquireAll"] = operation{do: func(ctx context.Context, until time.Time, s *store.Store) (err error) {
		asks := make([]store.Ask, len(hostileKeys))
		for i, key := range hostileKeys {
			asks[i].Key = key
		}
		s.AcquireAll(ctx, until, asks, time.Minute)
		for _, ask := range asks {
			err = errors.Join(err, ask.Err)
		}
		return err
	}}
	ops["Renew and Release"] = operation{do: func(ctx context.Context, until time.Time, s *store.Store) error {
		held, err := s.Acquire(ctx, until, "k", time.Minute, false)
		if err != nil || held.Lease == nil {
			return err
		}
		_, err1 := held.Lease.Renew(ctx, until)
		_, err2 := held.Lease.Release(ctx, until)
		return errors.Join(err1, err2)
	}}
	ops["RenewAll and ReleaseAll"] = operation{do: func(ctx context.Context, until time.Time, s *store.Store) error {
		var leases []*store.Lease
		for _, key := range hostileKeys {
			held, err := s.Acquire(ctx, until, key, time.Minute, false)
			if err != nil || held.Lease == nil {
				return err
			}
			leases = append(leases, held.Lease)
		}
		s.RenewAll(ctx, until, leases)
		s.ReleaseAll(ctx, until, leases)
		return nil
	}}
	ops["CommitAll"] = operation{do: func(ctx context.Context, until time.Time, s *store.Store) (err error) {
		var commits []store.Commit
		for _, key := range hostileKeys {
			commits = append(commits, store.Commit{
				Committer: s.Leaseless(key), State: store.Present, Entry: entry(key, text("x")), TTL: time.Hour,
			})
		}
		s.CommitAll(ctx, until, commits)
		for _, c := range commits {
			err = errors.Join(err, c.Err)
		}
		return err
	}}
	ops["ReadFields"] = operation{shape: codec.ShapeHash, do: func(ctx context.Context, _ time.Time, s *store.Store) error {
		_, err := s.ReadFields(ctx, "k", [][]byte{[]byte("a"), []byte("b")}, new(store.Entry), time.Now())
		return err
	}}
	ops["PutAbsent"] = operation{do: func(ctx context.Context, until time.Time, s *store.Store) error {
		return s.PutAbsent(ctx, until, "k", time.Minute)
	}}
	ops["PutIfAbsent"] = operation{do: func(ctx context.Context, until time.Time, s *store.Store) error {
		_, err := s.PutIfAbsent(ctx, until, "k", entry("k", text("x")), time.Minute)
		return err
	}}
	ops["Put of more than a server may take"] = operation{do: hostilePut(1<<20 + 1)}
	ops["Touch"] = operation{do: hostileTouch}
	ops["Touch by a script that is not known"] = operation{do: hostileTouch, usual: unknownScripts}
	ops["Put for replicas"] = operation{do: hostilePut(1), wait: true}
	ops["Delete"] = operation{do: hostileDelete(1)}
	ops["Delete of many"] = operation{do: hostileDelete(3)}
	ops["Delete for replicas"] = operation{do: hostileDelete(3), wait: true}
	ops["Delete that removes nothing for replicas"] = operation{do: hostileDelete(1), wait: true, usual: map[string]string{"unlink": ":0\r\n"}}
	ops["DoAll for replicas"] = operation{do: hostileDoAll(false, 1), wait: true}
	ops["DoAll in one step for replicas"] = operation{do: hostileDoAll(true, 1), wait: true}
	ops["Do of a read"] = operation{shape: codec.ShapeList, do: hostileRequest(readElements)}
	ops["Do of a read of another type"] = operation{
		shape: codec.ShapeHash, do: hostileRequest(readElements), fails: true,
		usual: map[string]string{"lrange": "-WRONGTYPE x\r\n"},
	}
	ops["Do of a write"] = operation{shape: codec.ShapeList, do: hostileRequest(writeElements(1))}
	ops["Do of a write of many"] = operation{shape: codec.ShapeList, do: hostileRequest(writeElements(10_001))}
	return ops
}

var (
	noScripts      = map[string]string{"evalsha": "-NOPERM no\r\n", "eval": "-NOPERM no\r\n"}
	unknownScripts = map[string]string{"evalsha": "-NOSCRIPT no\r\n"}
)

func entries(n int) []*store.Entry {
	all := make([]*store.Entry, n)
	for i := range all {
		all[i] = new(store.Entry)
	}
	return all
}

func hostileRead(ctx context.Context, _ time.Time, s *store.Store) error {
	_, err := s.Read(ctx, "k", new(store.Entry), time.Now())
	return err
}

func hostileProbe(ctx context.Context, until time.Time, s *store.Store) error {
	return s.Probe(ctx, until, "k", new(store.Entry))
}

func hostileAcquire(ctx context.Context, until time.Time, s *store.Store) error {
	_, err := s.Acquire(ctx, until, "k", time.Minute, false)
	return err
}

func hostileTouch(ctx context.Context, until time.Time, s *store.Store) error {
	_, err := s.Touch(ctx, until, "k", time.Minute)
	return err
}

func hostileDelete(n int) func(context.Context, time.Time, *store.Store) error {
	return func(ctx context.Context, until time.Time, s *store.Store) (err error) {
		for _, failed := range s.Delete(ctx, until, hostileKeys[:n]) {
			err = errors.Join(err, failed)
		}
		return err
	}
}

// valueOf is an entry for a shape that has so many bytes, and four parts where it can.
func valueOf(s *store.Store, size int) *store.Entry {
	if !s.HoldsEmpties() {
		return entry("k", text(strings.Repeat("x", size)))
	}
	return entry("k", content{"a": "1", "b": strings.Repeat("x", size), "c": "", "d": ""})
}

func hostilePut(size int) func(context.Context, time.Time, *store.Store) error {
	return func(ctx context.Context, until time.Time, s *store.Store) error {
		return s.Put(ctx, until, "k", valueOf(s, size), time.Minute)
	}
}

func hostileCommit(size int) func(context.Context, time.Time, *store.Store) error {
	return func(ctx context.Context, until time.Time, s *store.Store) error {
		held, err := s.Acquire(ctx, until, "k", time.Minute, false)
		if err != nil || held.Lease == nil {
			return err
		}
		_, err1 := held.Lease.Store(ctx, until, valueOf(s, size), time.Hour)
		_, err2 := held.Lease.StoreAbsent(ctx, until, time.Hour)
		return errors.Join(err1, err2)
	}
}

func hostileDoAll(inOneStep bool, replicas int) func(context.Context, time.Time, *store.Store) error {
	return func(ctx context.Context, _ time.Time, s *store.Store) error {
		read := readElements(s, new(store.Request))
		steps := []store.Step{
			s.PutStep("{t}a", valueOf(s, 1), time.Hour), s.InspectStep("{t}a", new(store.Entry), true, true),
			s.DeleteStep("{t}b"), s.TouchStep("{t}c", time.Hour), read,
		}
		if s.HoldsEmpties() {
			steps = append(steps, s.FieldsStep("{t}a", [][]byte{[]byte("f")}, new(store.Entry)))
		}
		return errors.Join(s.DoAll(ctx, time.Now(), steps, inOneStep, replicas)...)
	}
}

func hostileRequest(begin func(*store.Store, *store.Request) *store.Request) func(context.Context, time.Time, *store.Store) error {
	return func(ctx context.Context, _ time.Time, s *store.Store) error {
		return s.Do(ctx, begin(s, new(store.Request)), time.Now())
	}
}

func readElements(_ *store.Store, r *store.Request) *store.Request {
	r.Reset(codec.ShapeList)
	return r.Read("lrange", "{t}l").Arg(0).Arg(-1)
}

func writeElements(n int) func(s *store.Store, r *store.Request) *store.Request {
	return func(s *store.Store, r *store.Request) *store.Request {
		r.Reset(codec.ShapeList)
		r.Write(s, "{t}l", store.Rules{Life: time.Hour}).Command("rpush", 0, 1)
		for range n {
			r.Arg("x")
		}
		return r
	}
}
