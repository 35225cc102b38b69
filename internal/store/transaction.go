package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"
)

// transact carries out commands of one server in one step, or none of them. It returns the
// error of the whole; otherwise each command has its answer.
func (s *Store) transact(ctx context.Context, to link, how repetition, cmds []*redis.Cmd) error {
	err := s.repeat(ctx, to, how, func() error {
		for _, cmd := range cmds {
			cmd.SetErr(nil)
		}
		return s.tryTransact(ctx, to, cmds)
	})
	return withoutValue(err)
}

// tryTransact is transact without repetition. MULTI and EXEC are ordinary commands of a
// pipeline here, all answers of which are read. go-redis's own transaction leaves the rest unread when MULTI is refused, or when an answer
// within EXEC's is an error of some kinds, and the next command on that connection is then
// given the answer of another.
//
// A connection is held for it, as one on which MULTI was accepted and EXEC was not must not
// be used again.
func (s *Store) tryTransact(ctx context.Context, to link, cmds []*redis.Cmd) error {
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
	var answers reply
	multi, carryOut := redis.NewStatusCmd(ctx, "multi"), redis.NewRawWriteToCmd(ctx, &answers, "exec")
	all := slices.Concat([]redis.Cmder{multi}, cmders(cmds), []redis.Cmder{carryOut}) // which go-redis does not repeat
	err := exec(ctx, to, all)
	switch {
	case refused(all, err) != nil: // a hook has not let them pass
		return err
	case answered(multi.Err()):
		s.transacts.Store(false)
		return fmt.Errorf("the commands were carried out one at a time, as Redis refused MULTI: %v", multi.Err())
	case carryOut.Err() != nil:
		return causeOf(carryOut.Err(), all)
	case answers.isError() && !bytes.HasPrefix(answers.buf, []byte("-EXECABORT")):
		breakOff(ctx, to)
	}
	if err := answers.deal(cmds); err != nil {
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
	return s.rdb.Watch(ctx, func(tx *redis.Tx) error { return do(ctx, tx) }, stagingKey(ControlKey(key), newToken()))
}

// askForTransactions returns an error if the client may not use MULTI, which would not keep
// the commands behind it from being carried out. What was permitted once is not asked again.
func (s *Store) askForTransactions(ctx context.Context, to link) error {
	cmds := []redis.Cmder{redis.NewStatusCmd(ctx, "multi"), redis.NewCmd(ctx, "exec")}
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

// deal gives commands that were queued their part of the answer to EXEC. The error of an
// EXEC that has carried out none of them is that of the first command which was refused.
func (r *reply) deal(cmds []*redis.Cmd) error {
	p := parser{r.buf}
	if r.isError() {
		err := error(answerError(bytes.TrimRight(r.buf[1:], "\r\n")))
		for _, cmd := range cmds {
			if cmd.Err() != nil {
				err = cmd.Err()
				break
			}
		}
		return err
	}
	kind, n, err := p.header()
	if err != nil || kind != '*' || n != len(cmds) {
		return errReply
	}
	for _, cmd := range cmds {
		v, err := p.decode(maxNesting)
		if err != nil {
			return err
		}
		cmd.SetVal(v)
		switch v := v.(type) {
		case nil:
			cmd.SetErr(redis.Nil)
		case answerError:
			cmd.SetErr(v)
		}
	}
	return nil
}

// decode reads an answer, or a part of one, as go-redis decodes it.
func (p *parser) decode(nesting int) (any, error) {
	line, rest, ok := bytes.Cut(p.rest, []byte("\r\n"))
	if !ok || len(line) == 0 || nesting == 0 {
		return nil, errReply
	}
	p.rest = rest
	kind, text := line[0], string(line[1:])
	switch kind {
	case '+', '(':
		return text, nil
	case '-':
		return answerError(text), nil
	case '_':
		return nil, nil
	case '#':
		return text == "t", nil
	case ',':
		return strconv.ParseFloat(text, 64)
	case ':':
		return strconv.ParseInt(text, 10, 64)
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return nil, errReply
	case n < 0:
		return nil, nil
	case kind == '$':
		b, err := p.bulk(n)
		return string(b), err
	case n > len(p.rest): // each part takes more than a byte
		return nil, errReply
	case kind == '%':
		n *= 2
	case kind != '*' && kind != '~':
		return nil, errReply
	}
	parts := make([]any, n)
	for i := range parts {
		if parts[i], err = p.decode(nesting - 1); err != nil {
			return nil, err
		}
	}
	return parts, nil
}
