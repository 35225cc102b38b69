package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// process sends one command. It says what step there is between the command's
// keys, since a cluster client otherwise asks Redis, in a lock that all wait for
// and that no deadline ends.
func process(ctx context.Context, to link, cmd redis.Cmder) error {
	cmd.SetStepCount(1)
	return to.Process(ctx, cmd)
}

// exec sends commands as one pipeline, and returns the first error. All answers are read,
// whatever they say.
func exec(ctx context.Context, to link, cmds []redis.Cmder) error {
	for _, cmd := range cmds {
		cmd.SetStepCount(1) // as in process
	}
	p := to.Pipeline()
	_ = p.BatchProcess(ctx, cmds...)
	_, err := p.Exec(ctx)
	return err
}

// cmders are commands as exec takes them.
func cmders(cmds []*command) []redis.Cmder {
	all := make([]redis.Cmder, len(cmds))
	for i, cmd := range cmds {
		all[i] = cmd
	}
	return all
}

// processWrite is process for a command that writes, see repeat.
func (s *Store) processWrite(ctx context.Context, to link, how repetition, cmd *command) error {
	if repeatsItself(to, how) {
		return process(ctx, to, cmd)
	}
	return s.repeat(ctx, to, how, func() error { return process(ctx, to, cmd.RawWriteToCmd) })
}

// execWrites is exec for commands that write, among which may be some that read, see repeat.
func (s *Store) execWrites(ctx context.Context, to link, how repetition, cmds []redis.Cmder) (err error) {
	if repeatsItself(to, how) {
		return exec(ctx, to, cmds)
	}
	sent := make([]redis.Cmder, len(cmds))
	for i, cmd := range cmds {
		sent[i] = cmd
		if cmd, ok := cmd.(*command); ok {
			sent[i] = cmd.RawWriteToCmd // which go-redis does not repeat
		}
	}
	_ = s.repeat(ctx, to, how, func() error {
		for _, cmd := range cmds {
			if cmd, ok := cmd.(*command); ok {
				cmd.reset()
			}
		}
		err = exec(ctx, to, sent)
		refusal := readOnlyError(cmds)
		if refusal != nil && how == once && slices.ContainsFunc(cmds, wasCarriedOut) {
			s.closeConns(ctx)
			return nil // it is not to be repeated
		}
		return cmp.Or(refusal, err)
	})
	return err
}

// repeatsItself reports whether go-redis is left to repeat writes, as for a cluster, where it
// finds the new master.
func repeatsItself(to link, how repetition) bool {
	_, cluster := to.(*redis.ClusterClient)
	return cluster && how == often
}

// wasCarriedOut reports whether a server has carried out a command, as far as is known: it
// did not refuse to write, nor lack the script. Reads count as well.
func wasCarriedOut(cmd redis.Cmder) bool {
	return !isReadOnly(cmd.Err()) && !isUnknownScript(cmd.Err())
}

// isHeld reports whether what is sent goes over one connection, which cannot be repeated
// on another.
func isHeld(to link) bool {
	switch to.(type) {
	case *redis.Conn, *redis.Tx:
		return true
	}
	return false
}

// repeat calls send, which sends what writes and returns the error that tells whether to
// send it again.
//
// A client of one server is not left to do so: it would say nothing of a server that must
// not write any more, whose other connections have to go as well. What such a server has
// refused is sent again; what may be repeated is also when its connection was lost, and once
// more when that was in vain, not over one of the connections that there are, which then are
// likely to be dead too.
func (s *Store) repeat(ctx context.Context, to link, how repetition, send func() error) error {
	for try := 0; ; try++ {
		if err := send(); isHeld(to) || !s.again(ctx, how, try, err) {
			return err
		}
	}
}

// again reports whether to repeat what has failed after so many repetitions, and sees to it
// that it does not go over a connection that is of no use. Where a server must not write,
// nothing of it has been carried out.
func (s *Store) again(ctx context.Context, how repetition, tries int, err error) bool {
	switch {
	case err == nil:
		return false
	case isReadOnly(err):
		s.closeConns(ctx)
		return tries == 0 && ctx.Err() == nil
	case how == once || !connectionLost(err):
		return false
	}
	s.leaveDead(ctx, tries, err)
	return tries < 2 && ctx.Err() == nil
}

// leaveDead closes the connections when one was lost that served for a repetition.
func (s *Store) leaveDead(ctx context.Context, tries int, err error) {
	if tries > 0 && connectionLost(err) {
		s.closeConns(ctx)
	}
}

// isReadOnly reports whether a server refused a command since it must not write, as one
// that was a master, or is cut off from its replicas' majority. Some proxies begin with ERR;
// an EXEC whose commands were queued before says what it was discarded for.
func isReadOnly(err error) bool {
	if err == nil {
		return false
	}
	text := strings.TrimPrefix(err.Error(), "EXECABORT Transaction discarded because of: ")
	return redis.HasErrorPrefix(err, "READONLY") || strings.HasPrefix(strings.TrimPrefix(text, "ERR "), "READONLY")
}

// readOnlyError returns the first error of commands that a server must not carry out.
func readOnlyError(cmds []redis.Cmder) error {
	for _, cmd := range cmds {
		if err := cmd.Err(); isReadOnly(err) {
			return err
		}
	}
	return nil
}

// repetition says whether a command may be sent again whose answer is lost.
type repetition bool

const (
	once  repetition = false
	often repetition = true
)

// permits reports whether a command that shared a pipeline, and failed there, may be sent
// again by itself. Nothing has been carried out by a server that does not know the script,
// or may not write; and what is done by a script there may be done without one.
func (how repetition) permits(err error) bool {
	switch {
	case err == nil:
		return false
	case isUnknownScript(err), isReadOnly(err):
		return true
	case how == once:
		return false
	}
	return connectionLost(err) || isForbidden(err) ||
		slices.ContainsFunc(passing, func(prefix string) bool { return redis.HasErrorPrefix(err, prefix) })
}

// isForbidden reports whether the client may not use a command, or there is none of that
// name.
func isForbidden(err error) bool { return redis.HasErrorPrefix(err, "NOPERM") || isUnknownCommand(err) }

// passing are the answers of a server that may soon give better ones.
var passing = []string{"LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"}
