package client

import (
	"context"
	"slices"
	"strings"

	"github.com/asidecache/aside/internal/resp"
)

// A mergedCall is calls of one script that are sent as one command.
type mergedCall []*Call

// maxMerged bounds what one command may keep the server busy with.
const maxMerged = 100

// merge puts calls together that one command can run.
func (c *Client) merge(calls []*Call) (all []mergedCall) {
	multiKey := c.MultiKey()
	for len(calls) > 0 {
		n := 1
		for n < len(calls) && n < maxMerged && multiKey && calls[n].mergeable(calls[0]) {
			n++
		}
		next := mergedCall(calls[:n:n])
		calls = calls[n:]
		fits := func(m mergedCall) bool {
			return multiKey && m[0].mergeable(next[0]) && len(m)+n <= maxMerged
		}
		if i := slices.IndexFunc(all, fits); i >= 0 {
			all[i] = append(all[i], next...)
		} else {
			all = append(all, next)
		}
	}
	return all
}

// mergeable reports whether two calls have the same script, with as many keys and arguments.
func (call *Call) mergeable(other *Call) bool {
	return call.Script == other.Script &&
		len(call.Keys) == len(other.Keys) && len(call.Args) == len(other.Args)
}

func (m mergedCall) script() *Script {
	if len(m) > 1 {
		return m[0].Script.many
	}
	return m[0].Script
}

// command is what runs the calls: of one its own script, of more what merge.lua makes of
// that.
func (m mergedCall) command(ctx context.Context, mode EvalMode) *Command {
	first := m[0]
	if len(m) == 1 {
		return mode.Command(ctx, first.Script, first.Keys, first.Args)
	}
	keys, args := len(m)*len(first.Keys), len(m)*len(first.Args)+1
	return mode.command(ctx, m.script(), keys, args, func(all []any) []any {
		for k := range first.Keys {
			for _, call := range m {
				all = append(all, call.Keys[k])
			}
		}
		for _, call := range m {
			all = append(all, call.Args...)
		}
		return append(all, len(m))
	})
}

// setAnswers gives each call its part of the answer to a command, unless sending that gave an
// error.
func (m mergedCall) setAnswers(cmd *Command, err error) {
	var answer any
	if err == nil {
		answer, err = cmd.Decoded()
	}
	answers := []any{answer}
	if len(m) > 1 && err == nil {
		answers, _ = answer.([]any)
		if len(answers) != len(m) {
			err = resp.ErrBroken
		}
	}
	for i, call := range m {
		call.Answer, call.Err = nil, err
		if err == nil {
			call.Answer = answers[i]
			if failure, ok := answers[i].(error); ok {
				call.Err = resp.AnswerError(strings.TrimPrefix(failure.Error(), "RUN "))
			}
		}
	}
}
