package scenario

import (
	"context"
	"errors"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/subject"
)

// cluster measures hits on three masters.
func cluster(ctx context.Context, l *Lab) (s report.Section, err error) {
	s = report.Section{
		Title: "Cluster hit",
		Text:  "As the Redis hit with 300 B, on three masters on the same machine. go-redis's client-side cache is for a single server.",
	}
	c, err := l.Server.StartCluster(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, c.Kill()) }()
	var specs []contender.Spec
	for _, spec := range contender.Shared() {
		if spec.Cluster {
			specs = append(specs, spec)
		}
	}
	env := contender.Env{Addrs: c.Addrs(), Cluster: true}
	t, _, err := l.hitsOn(ctx, "cluster", env, nil, append(specs, control(contender.Base)), []int{1, 16, 128}, subject.Sized(subject.Small))
	s.Tables = append(s.Tables, t)
	return s, err
}
