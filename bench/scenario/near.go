package scenario

import (
	"context"
	"errors"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/subject"
)

// near measures values that are in the process.
func near(ctx context.Context, l *Lab) (s report.Section, err error) {
	s = report.Section{
		Title: "Near hit",
		Text: "Values of 300 B that are in the process already. otter, alone, is the first row. otter and sturdyc hand out the value that they hold and know nothing of " +
			"writes by others, nor does the local cache of go-redis/cache, which keeps bytes; aside's near cache hands out the value that it holds, and is told of writes by Redis; the client-side caches of go-redis and rueidis keep bytes, are told of writes by Redis, and are decoded with msgpack at each hit.",
	}
	proc, err := l.Server.Start(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, proc.Kill()) }()
	specs := append(contender.Local(), control(contender.Otter))
	t, _, err := l.hitsOn(ctx, "near", contender.Env{Addrs: []string{proc.Addr}}, proc, specs, []int{1, 16}, subject.Sized(subject.Small))
	if err != nil {
		return s, err
	}
	s.Tables = append(s.Tables, t)
	return s, nil
}
