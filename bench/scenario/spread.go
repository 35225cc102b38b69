package scenario

import (
	"context"
	"errors"

	"github.com/asidecache/aside/bench/contender"
	"github.com/asidecache/aside/bench/report"
	"github.com/asidecache/aside/bench/subject"
)

// spread measures hits whose keys lie in one or in many caches on one client.
func spread(ctx context.Context, l *Lab) (s report.Section, err error) {
	s = report.Section{
		Title: "Redis hit in many caches",
		Text: "As \"Redis hit\", with the " + grouped(l.hitKeys()) + " keys spread over 1, 10 and 100 caches on one client, " +
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
	env := contender.Env{Addrs: []string{proc.Addr}}
	t, _, err := l.hitsOn(ctx, "hit in many caches", env, nil, specs, []int{128, 1024}, subject.Sized(subject.Small))
	t.Title = "Values of " + size(subject.Small)
	s.Tables = append(s.Tables, t)
	return s, err
}
