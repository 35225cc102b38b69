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
	layout, common := m.layout()
	keys, args := len(m)*len(first.Keys), common+len(m)*(len(first.Args)-common)+2
	return mode.command(ctx, m.script(), keys, args, func(all []any) []any {
		for k := range first.Keys {
			for _, call := range m {
				all = append(all, call.Keys[k])
			}
		}
		all = appendArgs(all, first, layout, commonArg)
		for _, call := range m {
			all = appendArgs(all, call, layout, ownArg)
		}
		return append(all, layout, len(m))
	})
}

// What the layout of a merged call says of an argument, see merge.lua.
const (
	commonArg = 'c' // that of all calls
	ownArg    = 'o' // each call has its own
)

// layout says which arguments all calls have in common, which are sent once, and how many.
func (m mergedCall) layout() (layout string, common int) {
	kinds := make([]byte, len(m[0].Args))
	for i := range kinds {
		kinds[i] = ownArg
		if m.haveInCommon(i) {
			kinds[i] = commonArg
			common++
		}
	}
	return string(kinds), common
}

// haveInCommon reports whether the argument at an index is known to be the same for all calls.
func (m mergedCall) haveInCommon(i int) bool {
	first := m[0].Args[i]
	switch first.(type) {
	case string, int64, int, bool:
	default:
		return false // a value, for one, may be long
	}
	for _, call := range m[1:] {
		if call.Args[i] != first {
			return false
		}
	}
	return true
}

// appendArgs appends those arguments of a call that a layout says are common, or own.
func appendArgs(all []any, call *Call, layout string, kind byte) []any {
	for i, arg := range call.Args {
		if layout[i] == kind {
			all = append(all, arg)
		}
	}
	return all
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
