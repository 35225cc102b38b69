package client

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/resp"
)

// A Call is the call of a script for the keys of one slot, alone or merged with others.
type Call struct {
	Script *Script
	Retry  Retry // when it is sent by itself
	Keys   []any // each a string
	Args   []any

	Answer any // set when the script has run, as is Err
	Err    error
}

// Pointers returns the addresses of calls.
func Pointers(calls []Call) []*Call {
	all := make([]*Call, len(calls))
	for i := range calls {
		all[i] = &calls[i]
	}
	return all
}

// CallsPerTrip bounds what one pipeline may keep the server busy with.
const CallsPerTrip = 1000

// Exec runs the script of one call, along with other commands or by itself.
func (c *Client) Exec(ctx context.Context, call *Call) error {
	defer c.leave()
	if c.enter() {
		err := c.share(ctx, queuedCommand{call: call})
		if !call.Retry.mayResend(err) {
			c.RecordLoss(err)
			return err
		}
	}
	if c.synchronous { // without what Run needs to leave a command behind
		if call.Err = ctx.Err(); call.Err == nil {
			call.Answer, call.Err = c.evalCall(ctx, call)
			c.RecordLoss(call.Err)
		}
		return call.Err
	}
	return c.execDetached(ctx, call)
}

func (c *Client) execDetached(ctx context.Context, call *Call) error {
	call.Answer, call.Err = Run(ctx, c, func(ctx context.Context) (any, error) { return c.evalCall(ctx, call) })
	return call.Err
}

// evalCall runs the script of a call by itself.
func (c *Client) evalCall(ctx context.Context, call *Call) (any, error) {
	cmd, err := c.Eval(ctx, c.rdb, call.Script, call.Retry, call.Keys, call.Args)
	if err != nil {
		return nil, err
	}
	return cmd.Decoded()
}

// ExecAll runs the scripts of calls in one round trip, on a cluster one to each master, and
// the commands beside them. What has met a server without its script was not carried out,
// and is sent again; retry is for what go-redis repeats.
func (c *Client) ExecAll(
	ctx context.Context, retry Retry, calls []*Call, beside ...redis.Cmder,
) error {
	for try, mode := range evalModes {
		if c.skips(try) {
			continue
		}
		merged := c.merge(calls)
		cmds := make([]*Command, len(merged))
		for i, m := range merged {
			cmds[i] = m.command(ctx, mode)
		}
		all := beside
		if len(cmds) > 0 {
			all = append(Cmders(cmds), beside...)
		}
		if err := PipelineError(all, c.PipelineWrites(ctx, c.rdb, retry, all)); err != nil {
			return err
		}
		askAgain(beside, readOnlyError(all))
		beside, calls = nil, nil
		for i, m := range merged {
			err := cmds[i].Err()
			if len(m) > 1 && c.IsCrossSlot(err) {
				calls = append(calls, m...)
				continue
			}
			if c.triesOther(try, err) {
				calls = append(calls, m...)
			}
			m.setAnswers(cmds[i], err)
		}
		if len(calls) == 0 {
			break
		}
		if c.hashes.Cause() != nil {
			continue
		}
		var scripts []scriptOf
		for _, m := range c.merge(calls) {
			scripts = append(scripts, scriptOf{m[0].Keys[0].(string), m.script()})
		}
		c.loadScripts(ctx, c.rdb, scripts)
	}
	return nil
}

// askAgain has commands that read asked again when others beside them met a server that must
// not write: what it said may be out of date as well.
func askAgain(reads []redis.Cmder, refusal error) {
	if refusal == nil {
		return
	}
	for _, cmd := range reads {
		if !IsReadOnly(cmd.Err()) {
			cmd.SetErr(fmt.Errorf("%w: %w", errUnsettled, refusal))
		}
	}
}

// A Bool is the answer of a script that says yes or no.
type Bool struct {
	Yes bool
	Err error
}

func (call *Call) boolean() Bool {
	if call.Err != nil {
		return Bool{Err: Redact(call.Err)}
	}
	n, ok := call.Answer.(int64)
	if !ok {
		return Bool{Err: resp.ErrBroken}
	}
	return Bool{Yes: n == 1}
}

// EvalBool is Exec for a script that says yes or no.
func (c *Client) EvalBool(
	ctx context.Context, deadline time.Time, call Call) (yes bool, err error,
) {
	ctx, cancel := c.WithDeadline(ctx, deadline)
	defer cancel()
	if err := c.Exec(ctx, &call); err != nil {
		return false, Redact(err)
	}
	answer := call.boolean()
	return answer.Yes, answer.Err
}

// NextTrip returns until when to wait for a round trip that follows another of the same operation,
// which has ended with err and until then was to end by a deadline: the timeout is that of one
// answer, but one that did not come is not waited for again.
func (c *Client) NextTrip(deadline time.Time, err error) time.Time {
	if err != nil {
		return deadline
	}
	return time.Now().Add(c.timeouts.timeout)
}

// retryOfCalls says whether calls may be repeated together.
func retryOfCalls(calls []Call) Retry {
	return Retry(!slices.ContainsFunc(calls, func(call Call) bool { return call.Retry == NotRetryable }))
}

// EvalBools is EvalBool for many calls, a thousand a round trip, the first of which ends by the
// deadline. It takes the calls over: they may still be in use afterwards.
func (c *Client) EvalBools(ctx context.Context, deadline time.Time, all []Call) []Bool {
	answers := make([]Bool, 0, len(all))
	for calls := range slices.Chunk(all, CallsPerTrip) {
		_, err := RunUntil(ctx, c, deadline, func(ctx context.Context) (struct{}, error) {
			if err := c.ExecAll(ctx, retryOfCalls(calls), Pointers(calls)); err != nil {
				return struct{}{}, err
			}
			for i := range calls { // also where the caller has left
				c.RecordLoss(calls[i].Err)
			}
			return struct{}{}, nil
		})
		for i := range calls {
			answer := Bool{Err: err}
			if err == nil { // else the calls may be in use
				answer = calls[i].boolean()
			}
			answers = append(answers, answer)
		}
		deadline = c.NextTrip(deadline, err)
	}
	return answers
}
