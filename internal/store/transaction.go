package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/rediskey"
	"github.com/asidecache/aside/internal/resp"
)

// transact carries out commands of one server in one step, or none of them. It returns the
// error of the whole; otherwise each command has its answer.
func (s *Store) transact(ctx context.Context, to link, how repetition, cmds []*command) error {
	err := s.repeat(ctx, to, how, func() error {
		for _, cmd := range cmds {
			cmd.reset()
		}
		return s.tryTransact(ctx, to, cmds)
	})
	return withoutValue(err)
}

// tryTransact is transact without repetition. MULTI and EXEC are ordinary commands of a
// pipeline here, all answers of which are read. go-redis's own transaction leaves the rest
// unread when MULTI is refused, or when an answer within EXEC's is an error of some kinds, and
// the next command on that connection is then given the answer of another.
//
// A connection is held for it, as one on which MULTI was accepted and EXEC was not must not
// be used again.
func (s *Store) tryTransact(ctx context.Context, to link, cmds []*command) error {
	if server, ok := to.(*redis.Client); ok {
		conn := connOf(server)
		defer conn.Close()
		to = conn
	}
	if !s.transacts.Load() {
		if err := s.askForTransactions(ctx, to); err != nil {
			return err
		}
	}
	multi, carryOut := newSmall(ctx, "multi"), newCommand(ctx, "exec")
	all := make([]redis.Cmder, 0, len(cmds)+2)
	for _, cmd := range slices.Concat([]*command{multi}, cmds, []*command{carryOut}) {
		all = append(all, cmd.RawWriteToCmd) // which go-redis does not repeat
	}
	err := exec(ctx, to, all)
	switch {
	case refused(all, err) != nil: // a hook has not let them pass
		return err
	case answered(multi.Err()):
		s.transacts.Store(false)
		return fmt.Errorf("the commands were carried out one at a time, as Redis refused MULTI: %v", multi.Err())
	case isAnswer(carryOut.Err()):
		if !redis.HasErrorPrefix(carryOut.Err(), "EXECABORT") {
			breakOff(ctx, to)
		}
		return cmp.Or(firstError(cmds), carryOut.Err()) // none was carried out
	case carryOut.Err() != nil:
		return causeOf(carryOut.Err(), all)
	}
	if err := setAnswers(cmds, &carryOut.reply); err != nil {
		return err
	}
	return readOnlyError(cmders(cmds)) // a script is refused when it is carried out, and then all are
}

// onMaster calls do with what sends commands to the server of key: to itself, unless that is
// a client which leads to several. It calls do again when the server has changed, as far as
// do's error tells.
func (s *Store) onMaster(ctx context.Context, to link, key string, do func(context.Context, link) error) error {
	switch client := to.(type) {
	case *redis.Client, *redis.Conn:
		return do(ctx, to)
	case *redis.ClusterClient:
		for {
			master, err := client.MasterForKey(ctx, key)
			if err != nil {
				return err
			}
			if err = do(ctx, master); !isMoved(err) || !s.reload(ctx) {
				return err
			}
		}
	}
	// Of any other client only Watch leads to one server. Nobody writes what it watches.
	return s.rdb.Watch(ctx, func(tx *redis.Tx) error { return do(ctx, tx) }, rediskey.StagingKey(rediskey.ControlKey(key), rediskey.NewToken()))
}

// askForTransactions returns an error if the client may not use MULTI, which would not keep
// the commands behind it from being carried out. What was permitted once is not asked again.
func (s *Store) askForTransactions(ctx context.Context, to link) error {
	cmds := cmders([]*command{newSmall(ctx, "multi"), newCommand(ctx, "exec")})
	err := exec(ctx, to, cmds)
	err = cmp.Or(cmds[0].Err(), cmds[1].Err(), err)
	if err != nil {
		breakOff(ctx, to)
	}
	s.transacts.Store(err == nil)
	return err
}

// answered reports whether an error is an answer of Redis.
func answered(err error) bool {
	var answer redis.Error
	return errors.As(err, &answer)
}

// firstError returns the error of the first command that has one.
func firstError(cmds []*command) error {
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil {
			return err
		}
	}
	return nil
}

// setAnswers gives commands that were queued their part of the answer to EXEC.
func setAnswers(cmds []*command, exec *resp.Reply) error {
	answers, err := exec.Elements(len(cmds))
	if err != nil {
		return err
	}
	for i, cmd := range cmds {
		cmd.reply = answers[i]
		cmd.SetErr(answers[i].Err())
	}
	return nil
}
