package scenario

import (
	"context"
	"errors"
	"math/rand/v2"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/harness"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/subject"
)

// misses is the operation of reading a new key, which a loader has at once.
func (r rival) misses(a subject.Account) harness.Op {
	load, prefix := always(a), r.keys[0]+":"
	return func(ctx context.Context, rng *rand.Rand, _ int) error {
		_, err := r.GetOrSet(ctx, freshKey(prefix, rng), load)
		return err
	}
}

// miss measures keys that nobody has asked for before.
func miss(ctx context.Context, l *Lab) (s report.Section, err error) {
	s = report.Section{
		Title: "Miss",
		Text: "A key that is new to everybody, with a loader that has the value (300 B) at once: what it costs to find nothing and to store. " +
			"aside takes a lease for it, which keeps other processes from loading too and a write from being overtaken by an older load; one row does without.",
	}
	proc, err := l.Server.Start(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, proc.Kill()) }()
	specs := append(contender.Filling(), control(contender.Base))
	rivals, err := open(contender.Env{Addrs: []string{proc.Addr}}, 1, specs)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, closeAll(rivals)) }()
	o := operationsOn(ctx, proc, subject.Sized(subject.Small))
	s.Tables, err = l.operate(ctx, proc, []int{1, 16, 128}, rivals, o.miss)
	return s, err
}
