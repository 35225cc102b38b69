package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/rediskey"
)

// Options say what to look for, and where.
type Options struct {
	// ControlPrefix is what begins control keys, empty for the default.
	ControlPrefix string
	// Name is that of the cache whose key it is, if that is known. Otherwise versions are looked
	// for under each name that the key may have.
	Name string
	// ShowValue has the report hold the value, or the beginning of it.
	ShowValue bool
	// Timeout bounds the whole, 0 for DefaultTimeout.
	Timeout time.Duration
}

// DefaultTimeout is the Timeout of Options that have none.
const DefaultTimeout = 5 * time.Second

// An explainer finds out what a Report says.
type explainer struct {
	client   *client.Client
	opt      Options
	deadline time.Time
	report   *Report
	plain    string            // the value key without a version
	versions []rediskey.Parsed // whose keys are looked for beside the key
}

// Key explains a key: a value key, a control key, or another one that package cache uses. It
// takes two round trips, and one more for the values of a hash. What the server refuses is named
// in the report; an error says that it does not answer, or not for this key.
func Key(
	ctx context.Context, rdb redis.UniversalClient, key string, opt Options,
) (*Report, error) {
	timeout := cmp.Or(opt.Timeout, DefaultTimeout)
	c, err := client.New(rdb, timeout)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	e := &explainer{client: c, opt: opt, deadline: time.Now().Add(timeout), report: newReport(key)}
	e.name(key)
	if err := e.look(ctx); err != nil {
		return nil, e.failed(ctx, err)
	}
	if err := e.lookCloser(ctx); err != nil {
		return nil, e.failed(ctx, err)
	}
	e.place(ctx)
	e.report.Sentences = e.report.sentences()
	return e.report, nil
}

// failed returns the error of a server that does not answer.
func (e *explainer) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("redis does not answer within %v", cmp.Or(e.opt.Timeout, DefaultTimeout))
	}
	return fmt.Errorf("redis does not answer: %w", client.Redact(e.client.Explain(err)))
}

// MaxNames is how many names are tried for a key whose name is not known.
const MaxNames = 4

// name notes what the name of the key tells, and which versions there may be.
func (e *explainer) name(key string) {
	r := e.report
	parsed := rediskey.Parse(e.opt.ControlPrefix, key)
	r.Role, r.Version, r.Name = roles[parsed.Role], parsed.Version, parsed.Name
	e.plain = parsed.Plain
	if e.plain == "" {
		return
	}
	r.ValueKey = e.plain
	if parsed.Version > 0 {
		r.ValueKey = key
	}
	r.Control = &Control{Key: rediskey.ControlOf(e.opt.ControlPrefix, e.plain)}
	names := rediskey.Names(e.plain, MaxNames)
	if name := cmp.Or(e.opt.Name, parsed.Name); name != "" {
		r.Name, names = name, []string{name}
	}
	e.versions = versionsBeside(e.plain, names, parsed.Version)
}

// Versions are looked for up to so many, or so far from that of the key.
const (
	firstVersions = 8
	nearVersions  = 3
)

// versionsBeside returns the keys of the versions that may stand beside that of a key.
func versionsBeside(plain string, names []string, version int) (beside []rediskey.Parsed) {
	from, to := 1, firstVersions
	if version > 0 {
		beside = append(beside, rediskey.Parsed{Plain: plain})
		from, to = max(version-nearVersions, 1), version+nearVersions
	}
	for _, name := range names {
		if !rediskey.Versions(name) {
			continue
		}
		for v := from; v <= to; v++ {
			if v != version {
				beside = append(beside, rediskey.Parsed{Plain: plain, Name: name, Version: v})
			}
		}
	}
	return beside
}

// keyOf returns the key of a version.
func keyOf(p rediskey.Parsed) string {
	if p.Version == 0 {
		return p.Plain
	}
	return rediskey.VersionKey(p.Name, p.Version, p.Plain)
}

// send sends commands in one round trip, and returns the error of one that was not answered.
func (e *explainer) send(
	ctx context.Context, commands func(context.Context) []*client.Command,
) ([]*client.Command, error) {
	cmds, err := e.client.SendUntil(ctx, e.deadline, commands)
	if err != nil {
		return nil, err
	}
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil && !isAnswer(err) {
			return nil, err
		}
	}
	return cmds, nil
}

// isAnswer reports whether an error tells of one command alone: the server refuses it, or its
// answer is not one.
func isAnswer(err error) bool {
	var answer redis.Error
	return errors.As(err, &answer) && !isMisplaced(err) || client.IsBroken(err)
}

// isMisplaced reports whether a server has said that it does not serve anybody, or not this key.
func isMisplaced(err error) bool {
	return slices.ContainsFunc([]string{
		"MOVED", "ASK", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "NOAUTH", "WRONGPASS", "BUSY",
	}, func(code string) bool { return redis.HasErrorPrefix(err, code) })
}

// place notes where in a cluster the key lies.
func (e *explainer) place(ctx context.Context) {
	cluster, ok := e.client.Redis().(*redis.ClusterClient)
	if !ok {
		return
	}
	e.report.Cluster = &Place{Slot: rediskey.Slot(e.report.Key)}
	addr, err := client.RunUntil(ctx, e.client, e.deadline, func(ctx context.Context) (string, error) {
		master, err := cluster.MasterForKey(ctx, e.report.Key)
		if err != nil {
			return "", err
		}
		return master.Options().Addr, nil
	})
	if err == nil {
		e.report.Cluster.Master = addr
	}
}
