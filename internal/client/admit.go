package client

import (
	"context"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// Process sends one command. It is not sent to a server whose breaker is open: its error is an
// *OpenError then, at once.
func (x *executor) Process(ctx context.Context, to Conn, cmd redis.Cmder) error {
	return x.process(ctx, to, cmd, time.Now())
}

// process is Process for a command whose wait begins at a time.
func (x *executor) process(
	ctx context.Context, to Conn, cmd redis.Cmder, began time.Time,
) (err error) {
	if err := x.admit(ctx, to, cmd); err != nil {
		cmd.SetErr(err)
		return err
	}
	if x.synchronous {
		if err = processOn(ctx, to, cmd); err != nil || x.breakers.troubled.Load() > 0 {
			x.record(to, cmd, err, began)
		}
		return err
	}
	x.tracked(ctx, to, []redis.Cmder{cmd}, began, func() {
		err = processOn(ctx, to, cmd)
	}, func() { x.record(to, cmd, err, began) })
	return err
}

// Pipeline sends commands as one pipeline, and returns the first error. All answers are read,
// whatever they say. Of the commands those are not sent whose server's breaker is open, as each
// of them tells.
func (x *executor) Pipeline(ctx context.Context, to Conn, cmds []redis.Cmder) (err error) {
	parts := x.byServer(to, cmds)
	if len(parts) < 2 {
		return x.pipelineTo(ctx, to, cmds)
	}
	errs := make([]error, len(parts))
	ForEach(len(parts), func(i int) { errs[i] = x.pipelineTo(ctx, to, parts[i]) })
	for _, cmd := range cmds {
		if cmd.Err() != nil {
			return cmd.Err()
		}
	}
	return firstOf(errs)
}

func firstOf(errs []error) error {
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return errs[i]
	}
	return nil
}

// byServer returns the commands of each master while a cluster has one that does not answer, so
// that the others' need not wait for it; otherwise nil.
func (x *executor) byServer(to Conn, cmds []redis.Cmder) (parts [][]redis.Cmder) {
	if _, cluster := to.(*redis.ClusterClient); !cluster || x.breakers.troubled.Load() == 0 {
		return nil
	}
	index := make(map[string]int)
	for _, cmd := range cmds {
		server, _ := x.serverOf(to, cmd)
		i, ok := index[server]
		if !ok {
			i = len(parts)
			index[server], parts = i, append(parts, nil)
		}
		parts[i] = append(parts[i], cmd)
	}
	return parts
}

// pipelineTo is Pipeline for commands that are sent or not as a whole.
func (x *executor) pipelineTo(ctx context.Context, to Conn, cmds []redis.Cmder) (err error) {
	began := time.Now()
	if err := x.admit(ctx, to, cmds...); err != nil {
		for _, cmd := range cmds {
			cmd.SetErr(err)
		}
		return err
	}
	x.tracked(ctx, to, cmds, began, func() {
		err = pipelineOn(ctx, to, cmds)
	}, func() { x.recordAll(to, cmds, err, began) })
	return err
}

// admit returns an *OpenError if the commands are not to be sent.
func (x *executor) admit(ctx context.Context, to Conn, cmds ...redis.Cmder) error {
	if x.breakers.troubled.Load() == 0 {
		return nil
	}
	for _, cmd := range cmds {
		if server, ok := x.serverOf(to, cmd); ok {
			return x.check(ctx, server)
		}
	}
	return nil
}

// admitQueued is admit for commands that are to share a pipeline.
func (x *executor) admitQueued(ctx context.Context, all []queuedCommand) error {
	if x.breakers.troubled.Load() == 0 {
		return nil
	}
	for _, q := range all {
		var err error
		if q.call != nil {
			err = x.check(ctx, x.serverOfKey(q.call.Keys[0].(string)))
		} else {
			err = x.admit(ctx, x.rdb, q.cmd)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// serverOf returns what the breaker of a command's server is known by. It reports false where
// that is one of several, and the command does not tell which.
func (x *executor) serverOf(to Conn, cmd redis.Cmder) (server string, ok bool) {
	if _, cluster := x.rdb.(*redis.ClusterClient); !cluster {
		return "", true
	}
	if one, ok := to.(*redis.Client); ok {
		return one.Options().Addr, true
	}
	key, ok := keyOf(cmd)
	if !ok {
		return "", false
	}
	return x.serverOfKey(key), true
}

// serverOfKey is serverOf for a key: in a cluster the address of its master, as far as that is
// known, or an empty one for all of them. So a key that gets another master has its breaker.
func (x *executor) serverOfKey(key string) string {
	cluster, ok := x.rdb.(*redis.ClusterClient)
	if !ok {
		return ""
	}
	master, err := cluster.MasterForKey(notAsked, key)
	if err != nil {
		return ""
	}
	return master.Options().Addr
}

// notAsked keeps a cluster client from asking where its masters are.
var notAsked = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// keyOf returns the first key of a command.
func keyOf(cmd redis.Cmder) (key string, ok bool) {
	args, at := cmd.Args(), 1
	switch args[0] {
	case "eval", "evalsha":
		at = 3
	case "config", "exec", "multi", "script", "wait":
		return "", false
	}
	if at >= len(args) {
		return "", false
	}
	switch key := args[at].(type) {
	case string:
		return key, true
	case *string:
		return *key, true
	}
	return "", false
}

// record notes what has become of a command.
func (x *executor) record(to Conn, cmd redis.Cmder, err error, began time.Time) {
	o := outcomeOf(err)
	if server, ok := x.serverOf(to, cmd); ok {
		key, _ := keyOf(cmd)
		x.breakers.note(x, server, miss{key: key, err: err, began: began, outcome: o})
	}
}

// recordAll is record for commands that were sent together: those of one server are one round
// trip, which has gone no better than the worst of them.
func (x *executor) recordAll(to Conn, cmds []redis.Cmder, err error, began time.Time) {
	if err == nil && x.breakers.troubled.Load() == 0 {
		return
	}
	worst := make(map[string]miss)
	for _, cmd := range cmds {
		server, ok := x.serverOf(to, cmd)
		if !ok {
			continue
		}
		err := cmd.Err()
		key, _ := keyOf(cmd)
		m := miss{key: key, err: err, began: began, outcome: outcomeOf(err)}
		before, ok := worst[server]
		if m.outcome == silent {
			m.silent = before.silent + 1
		}
		if !ok || m.outcome >= before.outcome {
			worst[server] = m
		}
	}
	for server, m := range worst {
		x.breakers.note(x, server, m)
	}
}

// note notes the outcome of a round trip.
func (b *breakers) note(x *executor, server string, m miss) {
	switch m.outcome {
	case silent, broken, fails:
		x.reloads.want(x.rdb)
		b.lost(x, server, m)
	case serves:
		if b.troubled.Load() > 0 {
			b.answered(server)
		}
	}
}
