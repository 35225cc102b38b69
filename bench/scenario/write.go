package scenario

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/harness"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/subject"
)

// sets is the operation of setting the value of a random key.
func (r rival) sets(a subject.Account) harness.Op {
	return func(ctx context.Context, rng *rand.Rand, _ int) error {
		setter, ok := r.Contender.(contender.Setter)
		if !ok {
			return fmt.Errorf("%s cannot set", r.Name)
		}
		return setter.Set(ctx, r.keys[rng.IntN(len(r.keys))], a)
	}
}

// deletes is the operation of deleting a random key.
func (r rival) deletes() harness.Op {
	return func(ctx context.Context, rng *rand.Rand, _ int) error {
		return r.Delete(ctx, r.keys[rng.IntN(len(r.keys))])
	}
}

// write measures what programs do after a change of the source: put the new value, or remove
// the old one.
func write(ctx context.Context, l *Lab) (s report.Section, err error) {
	s = report.Section{
		Title: "Write",
		Text: "A value of 300 B that is set under a random one of 1,000 keys, and such a key that is deleted. aside also ends the lease of a load that is under way, in the same step, " +
			"so that no older value is stored over the new one. The rows have the names that the contenders have everywhere.",
	}
	proc, err := l.Server.Start(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, proc.Kill()) }()
	specs := append(contender.Shared(), control(contender.Base))
	rivals, err := open(contender.Env{Addrs: []string{proc.Addr}}, 1000, specs)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, closeAll(rivals)) }()
	o := operationsOn(ctx, proc, subject.Sized(subject.Small))
	s.Tables, err = l.operate(ctx, proc, []int{1, 16, 128}, rivals, o.set, o.del)
	return s, err
}
