package scenario

import (
	"context"
	"errors"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/subject"
)

// spread measures keys that lie in one or in many caches on one client.
func spread(ctx context.Context, l *Lab) (s report.Section, err error) {
	s = report.Section{
		Title: "Many caches",
		Text: "Hits, misses and writes of 300 B as in the tables of one cache, with the " + grouped(l.hitKeys()) + " keys spread over 1, 10 and 100 caches on one client, " +
			"as a program has them for its types: callers of all of them share pipelines.",
	}
	proc, err := l.Server.Start(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, proc.Kill()) }()
	specs := []contender.Spec{contender.Base}
	for _, caches := range []int{1, 10, 100} {
		specs = append(specs, contender.AsideSpread(caches))
	}
	specs = append(specs, control(contender.Base))
	a := subject.Sized(subject.Small)
	rivals, err := openFilled(ctx, contender.Env{Addrs: []string{proc.Addr}}, l.hitKeys(), specs, a)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, closeAll(rivals)) }()
	callers := pick(l, []int{1, 128, 1024}, []int{16})
	s.Tables, err = l.operate(ctx, proc, callers, rivals, operationsOn(ctx, proc, a).all()...)
	return s, err
}
