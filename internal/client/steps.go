package client

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// A Step is an operation that can be sent along with others.
type Step interface {
	// Key returns the key that the step is about, or the first of several.
	Key() string
	// Durable reports whether the step is a write that replicas are to have.
	Durable() bool

	Keys() []string // the value keys
	Writes() bool
	Retry() Retry
	Largest() int    // bytes of the longest argument that may be long
	Script() *Script // what the last of its commands runs, nil for none
	// Commands makes the commands; the script is sent in this mode.
	Commands(ctx context.Context, mode EvalMode) []*Command
	// Answered takes the answers, which are there, to these commands.
	Answered(ctx context.Context, c *Client, cmds []*Command) error
}

// Reading is what all steps have in common that only read.
type Reading struct{}

// Durable and the other methods are part of Step.
func (Reading) Durable() bool   { return false }
func (Reading) Writes() bool    { return false }
func (Reading) Retry() Retry    { return Retryable }
func (Reading) Largest() int    { return 0 }
func (Reading) Script() *Script { return nil }

// DoAll sends steps in their order in one round trip, on a cluster one to each master, waits for
// so many replicas if there are durable writes, and returns an error, or nil, for each: an
// ErrTooLarge for one that was not sent for its size, which keeps the others from being sent in
// one step alone. No step is carried out twice that is not Retryable. In one step, as a MULTI,
// nothing else comes between them. The steps may be of other stores on the same
// redis.UniversalClient.
func (c *Client) DoAll(
	ctx context.Context, now time.Time, steps []Step, inOneStep bool, replicas int,
) []error {
	ctx = c.Context(ctx, now)
	errs, err := Run(ctx, c, func(ctx context.Context) ([]error, error) {
		return c.SendSteps(ctx, steps, inOneStep, replicas)
	})
	if err == nil {
		return errs
	}
	errs = make([]error, len(steps)) // the other ones may still be written to
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// Send sends one step without a script, along with other commands or by itself.
func (c *Client) Send(ctx context.Context, deadline time.Time, step Step) error {
	return c.dispatch(step.Retry(), func() error {
		ctx, cancel := c.WithDeadline(ctx, deadline)
		defer cancel()
		cmds := step.Commands(ctx, ByHash)
		var space [2]queuedCommand
		all := space[:0]
		for _, cmd := range cmds {
			all = append(all, queuedCommand{cmd: cmd})
		}
		if err := c.share(ctx, all...); err != nil {
			return err // they may still be in use
		}
		return step.Answered(ctx, c, cmds)
	}, func() error {
		_, err := RunUntil(ctx, c, deadline, func(ctx context.Context) (struct{}, error) {
			cmds := step.Commands(ctx, ByHash)
			if len(cmds) == 1 {
				err := c.ProcessWrite(ctx, c.rdb, step.Retry(), cmds[0])
				return struct{}{}, cmp.Or(err, step.Answered(ctx, c, cmds))
			}
			all := Cmders(cmds)
			err := PipelineError(all, c.PipelineWrites(ctx, c.rdb, step.Retry(), all))
			return struct{}{}, cmp.Or(err, step.Answered(ctx, c, cmds))
		})
		return err
	})
}

// ReadSteps sends steps that only read in one round trip, on a cluster one to each master, and
// returns an error, or nil, for each.
func (c *Client) ReadSteps(ctx context.Context, steps ...Step) ([]error, error) {
	cmds := make([][]*Command, len(steps))
	var all []redis.Cmder
	for i, step := range steps {
		cmds[i] = step.Commands(ctx, ByHash)
		all = append(all, Cmders(cmds[i])...)
	}
	if err := PipelineError(all, c.Pipeline(ctx, c.rdb, all)); err != nil {
		return nil, err
	}
	return c.answeredAll(ctx, steps, cmds), nil
}

// SendUntil sends commands in one pipeline, which go-redis may repeat, and waits no longer than
// until deadline. Each has its error; that of SendUntil is of a pipeline that was not sent.
func (c *Client) SendUntil(
	ctx context.Context, deadline time.Time, commands func(context.Context) []*Command,
) ([]*Command, error) {
	return RunUntil(ctx, c, deadline, func(ctx context.Context) ([]*Command, error) {
		cmds := commands(ctx)
		all := Cmders(cmds)
		return cmds, PipelineError(all, c.Pipeline(ctx, c.rdb, all))
	})
}

// sendSteps sends steps, and waits for so many replicas.
func (c *Client) sendSteps(
	ctx context.Context, steps []Step, inOneStep bool, replicas int) ([]error, error,
) {
	if replicas > 0 {
		return c.sendReplicated(ctx, steps, inOneStep, replicas)
	}
	return c.sendOn(ctx, c.rdb, steps, inOneStep)
}

// sendOn sends steps on one connection, or on the client.
func (c *Client) sendOn(
	ctx context.Context, to Conn, steps []Step, inOneStep bool) ([]error, error,
) {
	if inOneStep {
		return c.transactAll(ctx, to, steps)
	}
	return c.pipeline(ctx, to, steps)
}

// transactAll sends the scripts inline, as a transaction goes on after a command that finds
// none.
func (c *Client) transactAll(ctx context.Context, to Conn, steps []Step) ([]error, error) {
	cmds := make([][]*Command, len(steps))
	err := c.onMaster(ctx, to, steps[0].Key(), func(ctx context.Context, to Conn) error {
		sent := make(map[*Script]bool)
		for i, step := range steps {
			cmds[i] = step.Commands(ctx, inlineFirst(sent, step.Script(), &c.hashes))
		}
		return c.transact(ctx, to, retryOf(steps), slices.Concat(cmds...))
	})
	if refusesHash(err) && c.hashes.Cause() == nil { // nothing was carried out
		c.hashes.Note(err)
		return c.transactAll(ctx, to, steps)
	}
	if err != nil {
		return nil, err
	}
	return c.answeredAll(ctx, steps, cmds), nil
}

// retryOf says whether steps may be repeated together.
func retryOf(steps []Step) Retry {
	return Retry(!slices.ContainsFunc(steps, func(step Step) bool {
		return step.Retry() == NotRetryable
	}))
}

// inlineFirst returns the mode in which a script is sent that all servers concerned know
// once it was sent; hashes is whether they refuse those.
func inlineFirst[K comparable](sent map[K]bool, id K, hashes *Refusal) EvalMode {
	if sent[id] && hashes.Cause() == nil {
		return ByHash
	}
	sent[id] = true
	return Inline
}

func (c *Client) answeredAll(ctx context.Context, steps []Step, cmds [][]*Command) []error {
	errs := make([]error, len(steps))
	for i, step := range steps {
		errs[i] = ExecCause(step.Answered(ctx, c, cmds[i]), cmds[i])
	}
	return errs
}

// pipeline sends again what has met a server without the script, or one that must not
// write, and so has not been carried out.
func (c *Client) pipeline(ctx context.Context, to Conn, steps []Step) ([]error, error) {
	cmds := make([][]*Command, len(steps))
	due := make([]int, len(steps)) // the steps to send, by index
	for i := range due {
		due[i] = i
	}
	modes, retry := c.modes(ctx, steps), retryOf(steps)
	for try := range evalModes {
		if c.skips(try) {
			continue
		}
		var all []redis.Cmder
		for _, i := range due {
			mode := modes[i]
			if try == len(evalModes)-1 {
				mode = evalModes[try]
			}
			cmds[i] = steps[i].Commands(ctx, mode)
			all = append(all, Cmders(cmds[i])...)
		}
		if err := PipelineError(all, c.PipelineWrites(ctx, to, retry, all)); err != nil {
			return nil, err
		}
		if err := demoted(steps, cmds); err != nil && isHeld(to) {
			return nil, err
		} else if err != nil && retry == NotRetryable && try == 0 {
			continue
		}
		if due = c.unsent(try, steps, cmds); len(due) == 0 {
			break
		}
		if c.hashes.Cause() != nil {
			continue
		}
		var scripts []scriptOf
		for _, i := range due {
			if sc := steps[i].Script(); sc != nil {
				scripts = append(scripts, scriptOf{steps[i].Key(), sc})
			}
		}
		_ = c.loadScripts(ctx, to, scripts)
	}
	return c.answeredAll(ctx, steps, cmds), nil
}

// demoted returns the error of a server that must not write, if it has carried out
// nothing: what it said to those that read may be out of date as well.
func demoted(steps []Step, cmds [][]*Command) error {
	var refusal error
	for i, step := range steps {
		all := Cmders(cmds[i])
		if step.Writes() && wasCarriedOut(all[len(all)-1]) {
			return nil
		}
		refusal = cmp.Or(refusal, readOnlyError(all))
	}
	return refusal
}

// modes says how the script of each step is sent. What is sent again comes behind all that
// has been carried out: so a write that another one of its key follows must not meet a server
// without its script, which is sent inline.
func (c *Client) modes(ctx context.Context, steps []Step) []EvalMode {
	modes := make([]EvalMode, len(steps))
	if !slices.ContainsFunc(steps, func(step Step) bool { return step.Script() != nil }) {
		return modes
	}
	last := make(map[string]int) // the last write of each key
	for i, step := range steps {
		modes[i] = ByHash
		if step.Writes() {
			last[step.Key()] = i
		}
	}
	type place struct {
		server *redis.Client
		script *Script
	}
	sent := make(map[place]bool)
	for i, step := range steps {
		sc := step.Script()
		if sc == nil || last[step.Key()] == i {
			continue
		}
		server, err := c.master(ctx, step.Key())
		if err != nil {
			modes[i] = Inline
			continue
		}
		modes[i] = inlineFirst(sent, place{server, sc}, &c.hashes)
	}
	return modes
}

// unsent returns the writes that have found no script, after an attempt, and the reads behind
// them that were to see what they do. No write of the same key stands behind one of these.
func (c *Client) unsent(try int, steps []Step, cmds [][]*Command) (due []int) {
	unwritten := make(map[string]bool)
	isUnwritten := func(key string) bool { return unwritten[key] }
	for i, step := range steps {
		switch {
		case step.Script() != nil && c.triesOther(try, cmds[i][len(cmds[i])-1].Err()):
			unwritten[step.Key()] = true
			due = append(due, i)
		case !step.Writes() && slices.ContainsFunc(step.Keys(), isUnwritten):
			due = append(due, i)
		}
	}
	return due
}
