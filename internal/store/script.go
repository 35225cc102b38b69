package store

import (
	"context"
	_ "embed"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/internal/rediskey"
)

var (
	//go:embed putifabsent.lua
	putIfAbsentSource string
	//go:embed touch.lua
	touchSource string
	//go:embed acquire.lua
	acquireSource string
	//go:embed renew.lua
	renewSource string
	//go:embed release.lua
	releaseSource string
	//go:embed control.lua
	controlSource string
	//go:embed digest.lua
	digestSource string
	//go:embed guard.lua
	guardSource string
	//go:embed acquire_many.lua
	acquireManySource string
	//go:embed add.lua
	addSource string
	//go:embed add_many.lua
	addManySource string
	//go:embed fill.lua
	fillSource string
	//go:embed stage.lua
	stageSource string
	//go:embed swap.lua
	swapSource string
	//go:embed mark.lua
	markSource string
	//go:embed put.lua
	putSource string
	//go:embed put_many.lua
	putManySource string
	//go:embed gather.lua
	gatherSource string
)

var (
	put         = newScripts(putSource, putManySource)
	putIfAbsent = newScript(putIfAbsentSource, controlSource)
	touch       = newScript(touchSource, controlSource, digestSource)

	acquire = newScripts(acquireSource, acquireManySource, controlSource, digestSource)
	renew   = newScript(renewSource, controlSource)
	release = newScript(releaseSource, controlSource)

	add   = newScripts(addSource, addManySource, controlSource)
	fill  = newScript(fillSource, controlSource, digestSource, guardSource)
	stage = newScript(stageSource)
	swap  = newScript(swapSource, controlSource, digestSource, guardSource)
	mark  = newScript(markSource, controlSource, digestSource, guardSource)
)

// A script is one that the servers keep. All its keys are declared and in one slot.
type script struct {
	source string
	hash   any     // a string
	many   *script // runs it once for each of many keys, in any slots, see gather.lua

	answersParts bool // of values: its answer may be large
}

// newScript returns the script of a source that uses functions of others.
func newScript(source string, functions ...string) *script {
	const nothing = "local together\n"
	return newScripts(source, nothing, functions...)
}

// newScripts is newScript for a source with a shorter way to serve many keys, see gather.lua.
func newScripts(source, together string, functions ...string) *script {
	uses := strings.Join(functions, "")
	alone := uses + source
	many := "local KEYS, ARGV = KEYS, ARGV\n" + uses + "local function one()\n" + source + "\nend\n" + together + gatherSource
	return &script{
		source: alone, hash: redis.NewScript(alone).Hash(),
		many: &script{source: many, hash: redis.NewScript(many).Hash()},
	}
}

// keysOf are the keys of most scripts: a value key and its control key. Each is a string,
// in the form in which commands take it.
func keysOf(key string) []any { return []any{key, rediskey.ControlKey(key)} }

// byHash is the command that runs the script where the server knows it, whole the
// one that brings it along.
func (sc *script) byHash(ctx context.Context, keys, args []any) *command {
	return sc.command(ctx, "evalsha", sc.hash, keys, args)
}

func (sc *script) whole(ctx context.Context, keys, args []any) *command {
	return sc.command(ctx, "eval", sc.source, keys, args)
}

func (sc *script) command(ctx context.Context, name, text any, keys, args []any) *command {
	c := new(command)
	all := c.args[:0]
	if n := 3 + len(keys) + len(args); n > inlineArgs {
		all = make([]any, 0, n)
	}
	all = append(append(append(all, name, text, len(keys)), keys...), args...)
	if !sc.answersParts {
		c.reply.Limit(smallAnswer * len(keys))
	}
	c.init(ctx, all)
	c.reply.Grow(8 * len(keys)) // where they are many: a number or so is the answer of each
	return c
}

// eval runs the script, whether the server knows it or not. A server forgets a
// script that came by EVAL when many others follow, but none that was loaded.
func (s *Store) eval(ctx context.Context, to link, sc *script, how repetition, keys, args []any) (*command, error) {
	send := func(cmd *command) error { return s.processWrite(ctx, to, how, cmd) }
	cmd := sc.byHash(ctx, keys, args)
	err := send(cmd)
	if !isUnknownScript(err) {
		return cmd, err
	}
	if s.teach(ctx, to, keys[0].(string), sc) == nil {
		cmd = sc.byHash(ctx, keys, args)
		if err = send(cmd); !isUnknownScript(err) {
			return cmd, err
		}
	}
	// The server may not be allowed to keep it, or may not be the one that was taught.
	cmd = sc.whole(ctx, keys, args)
	return cmd, send(cmd)
}

// teach loads scripts into the server that holds key. Who holds a connection to it does not
// wait for another.
func (s *Store) teach(ctx context.Context, to link, key string, scripts ...*script) error {
	server := link(s.rdb)
	if isHeld(to) {
		server = to
	} else if cluster, ok := s.rdb.(*redis.ClusterClient); ok {
		master, err := cluster.MasterForKey(ctx, key)
		if err != nil {
			return err
		}
		server = master
	}
	var cmds []redis.Cmder
	for _, sc := range scripts {
		cmds = append(cmds, newSmall(ctx, "script", "load", sc.source))
	}
	return exec(ctx, server, cmds)
}

func isUnknownScript(err error) bool { return err != nil && redis.HasErrorPrefix(err, "NOSCRIPT") }
