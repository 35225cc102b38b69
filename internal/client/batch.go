package client

import (
	"slices"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/relay"
)

// A batch is one pipeline that is shared by many callers. They can join it until it is sent: from
// then on it stays as it is.
type batch struct {
	parts []*part
	size  int     // how many commands there are
	bytes float64 // that the answers are expected to have

	ended chan struct{} // closed when no command is in use any more; nil: nobody waits for that

	first part     // backs parts, as does
	one   [1]*part // this
}

// A part of a batch is the commands of the callers that leave at the same time if there is no
// answer.
type part struct {
	batch    *batch
	bucket   *bucket
	commands []queuedCommand

	ending atomic.Bool   // what follows is set, or is about to be
	over   chan struct{} // closed when the callers are to leave, and all below is set
	err    error         // of all commands, which may still be in use; nil: each has its own
	crash  *relay.Crash  // by a hook of the client
}

// end has the callers of a part leave, unless they have.
func (of *part) end(err error, crash *relay.Crash) {
	if !of.ending.Swap(true) {
		of.err, of.crash = err, crash
		close(of.over)
	}
}

// end has all callers of a batch leave that have not.
func (b *batch) end(err error, crash *relay.Crash) {
	for _, of := range b.parts {
		of.end(err, crash)
	}
}

// remove takes commands off a part of a batch that is not being sent.
func (of *part) remove(del func(queuedCommand) bool) {
	n := len(of.commands)
	of.commands = slices.DeleteFunc(of.commands, del)
	of.batch.size -= n - len(of.commands)
}

// A queuedCommand is what one caller sends: a command, or the call of a script, which is
// merged with those of others.
type queuedCommand struct {
	client *Client
	cmd    redis.Cmder
	call   *Call
}

func (q queuedCommand) err() error {
	if q.call != nil {
		return q.call.Err
	}
	return q.cmd.Err()
}

// answer returns how many bytes the answer is expected to have, where these may be many.
func (q queuedCommand) answer() float64 {
	if _, ok := q.cmd.(*redis.RawWriteToCmd); ok {
		return q.client.answers.bytes()
	}
	return 0
}

// newBatch returns a batch that is likely to get so many commands.
func newBatch(size int) *batch {
	b := new(batch)
	b.first.commands = make([]queuedCommand, 0, size)
	return b
}

// add adds commands to the part whose callers leave with a bucket, which it returns.
func (b *batch) add(w *bucket, all []queuedCommand) *part {
	to := b.partOf(w)
	if to == nil {
		to = b.newPart()
		to.batch, to.bucket, to.over = b, w, make(chan struct{})
	}
	to.commands = append(to.commands, all...)
	b.size += len(all)
	for _, q := range all {
		b.bytes += q.answer()
	}
	return to
}

func (b *batch) newPart() *part {
	if b.parts == nil {
		b.one[0] = &b.first
		b.parts = b.one[:]
		return &b.first
	}
	b.parts = append(b.parts, new(part))
	return b.parts[len(b.parts)-1]
}

// partOf returns the part whose callers leave with a bucket, nil for none.
func (b *batch) partOf(w *bucket) *part {
	for _, of := range b.parts {
		if of.bucket == w {
			return of
		}
	}
	return nil
}

// has reports whether commands of a store are in the batch.
func (b *batch) has(c *Client) bool {
	return slices.ContainsFunc(b.parts, func(of *part) bool {
		return slices.ContainsFunc(of.commands, func(q queuedCommand) bool { return q.client == c })
	})
}

// mostPatient returns the client of a batch's commands whose timeout is the longest.
func (b *batch) mostPatient() (c *Client) {
	for _, of := range b.parts {
		for _, q := range of.commands {
			if c == nil || q.client.timeouts.timeout > c.timeouts.timeout {
				c = q.client
			}
		}
	}
	return c
}

func (b *batch) split() (cmds []redis.Cmder, calls []*Call) {
	n := 0 // of commands
	for _, of := range b.parts {
		for _, q := range of.commands {
			if q.call == nil {
				n++
			}
		}
	}
	cmds, calls = make([]redis.Cmder, 0, n), make([]*Call, 0, b.size-n)
	for _, of := range b.parts {
		for _, q := range of.commands {
			if q.call != nil {
				calls = append(calls, q.call)
				continue
			}
			q.cmd.SetStepCount(1) // as in processOn
			cmds = append(cmds, q.cmd)
		}
	}
	return cmds, calls
}

// learn notes how large the answers were.
func (b *batch) learn() {
	const weight = 1. / 64 // for many commands at NotRetryable, some of which are not alike
	for _, of := range b.parts {
		for _, q := range of.commands {
			if raw, ok := q.cmd.(*redis.RawWriteToCmd); ok {
				q.client.answers.add(float64(raw.Val()), weight)
			}
		}
	}
}
