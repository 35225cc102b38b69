package client

import (
	"cmp"
	"context"
	_ "embed"
	"strings"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/merge.lua
var mergeSource string

// A Script is one that the servers keep. All its keys are declared and in one slot.
type Script struct {
	source string
	hash   any     // a string
	many   *Script // runs it once for each of many keys, in any slots, see merge.lua

	answer int // bytes of it at the most, for each key; 0: any number
}

// NewScript returns the script of a source that uses functions of others.
func NewScript(source string, functions ...string) *Script {
	const nothing = "local together\n"
	return NewScripts(source, "", nothing, functions...)
}

// NewScripts is NewScript for a source with shorter ways for what is usual: first, which is tried
// before the functions are made if there is one key, and together for many, see merge.lua.
func NewScripts(source, first, together string, functions ...string) *Script {
	uses := strings.Join(functions, "")
	alone := first + uses + source
	many := "local KEYS, ARGV = KEYS, ARGV\n" + uses +
		"local function one()\n" + source + "\nend\n" + together + mergeSource
	return &Script{
		source: alone, hash: redis.NewScript(alone).Hash(), answer: smallAnswer,
		many: &Script{source: many, hash: redis.NewScript(many).Hash(), answer: smallAnswer},
	}
}

// AnswersParts says that the script answers with parts of a value, of any size.
func (sc *Script) AnswersParts() *Script {
	sc.answer = 0
	return sc
}

// AnswersStrings says that the script may answer with a string of up to n bytes for each key.
func (sc *Script) AnswersStrings(n int) *Script {
	sc.answer += n
	sc.many.answer += n
	return sc
}

// An EvalMode is how a script is sent.
type EvalMode uint8

// ByHash runs a script where the server knows it, Inline sends it in full. A server forgets a
// script that came inline when many others follow, but none that was loaded.
const (
	ByHash EvalMode = iota
	Inline
)

// evalModes are the attempts to run a script. Where a server does not know it, it is loaded
// before the second one; the server may not be allowed to keep it, or not be the one that
// has loaded it. One that takes no hash gets the script in full at once.
var evalModes = []EvalMode{ByHash, ByHash, Inline}

// Command is the command that runs a script.
func (mode EvalMode) Command(ctx context.Context, sc *Script, keys, args []any) *Command {
	return mode.command(ctx, sc, len(keys), len(args), func(all []any) []any {
		return append(append(all, keys...), args...)
	})
}

// command is Command for so many keys and arguments, which add appends.
func (mode EvalMode) command(
	ctx context.Context, sc *Script, keys, args int, add func(all []any) []any,
) *Command {
	cmd := new(InlineCommand)
	all := cmd.args[:0]
	if n := 3 + keys + args; n > inlineArgs {
		all = make([]any, 0, n)
	}
	if mode == Inline {
		all = append(all, "eval", sc.source, keys)
	} else {
		all = append(all, "evalsha", sc.hash, keys)
	}
	if sc.answer > 0 {
		cmd.reply.Limit(sc.answer * keys)
	}
	cmd.init(ctx, &cmd.raw, add(all))
	cmd.reply.Grow(8 * keys) // where they are many: a number or so is the answer of each
	return &cmd.Command
}

// Eval runs one script by itself, whether the server knows it or not.
func (c *Client) Eval(
	ctx context.Context, to Conn, sc *Script, retry Retry, keys, args []any,
) (cmd *Command, err error) {
	for try, mode := range evalModes {
		if c.skips(try) || try == 1 && c.loadScripts(ctx, to, []scriptOf{{keys[0].(string), sc}}) != nil {
			continue
		}
		cmd = mode.Command(ctx, sc, keys, args)
		if err = c.ProcessWrite(ctx, to, retry, cmd); !c.triesOther(try, err) {
			break
		}
	}
	return cmd, err
}

// A scriptOf is a script that the server of a key is to know.
type scriptOf struct {
	key    string
	script *Script
}

// loadScripts loads scripts into the servers of keys. Where one may not keep them, the last
// attempt has them inline. A caller that holds a connection does not wait for another one.
func (c *Client) loadScripts(ctx context.Context, to Conn, scripts []scriptOf) (err error) {
	type place struct {
		server *redis.Client
		script *Script
	}
	known := make(map[place]bool)
	loads := make(map[*redis.Client][]redis.Cmder)
	for _, s := range scripts {
		server, failed := c.master(ctx, s.key)
		if at := (place{server, s.script}); failed != nil || known[at] {
			err = cmp.Or(err, failed)
			continue
		} else {
			known[at] = true
		}
		loads[server] = append(loads[server], NewSmall(ctx, "script", "load", s.script.source))
	}
	for server, cmds := range loads {
		err = cmp.Or(err, c.Pipeline(ctx, c.connTo(to, server), cmds))
	}
	return err
}

// connTo returns what leads to a server, nil if the client's type does not tell; to itself if
// that is one connection.
func (c *Client) connTo(to Conn, server *redis.Client) Conn {
	switch {
	case isHeld(to):
		return to
	case server != nil:
		return server
	}
	return c.rdb
}

func isUnknownScript(err error) bool { return err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") }
