package store

import (
	"context"
	_ "embed"

	"github.com/redis/go-redis/v9"
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
	//go:embed holds.lua
	holdsSource string
	//go:embed digest.lua
	digestSource string
	//go:embed guard.lua
	guardSource string
	//go:embed put.lua
	putSource string
	//go:embed set.lua
	setSource string
	//go:embed fill.lua
	fillSource string
	//go:embed stage.lua
	stageSource string
	//go:embed swap.lua
	swapSource string
	//go:embed mark.lua
	markSource string
	//go:embed gather.lua
	gatherSource string
)

var (
	putIfAbsent = newScript(putIfAbsentSource)
	touch       = newScript(digestSource + touchSource)

	acquire = newScript(holdsSource + digestSource + acquireSource)
	renew   = newScript(holdsSource + renewSource)
	release = newScript(holdsSource + releaseSource)

	set   = newScript(putSource + setSource)
	fill  = newScript(holdsSource + digestSource + guardSource + putSource + fillSource)
	stage = newScript(stageSource)
	swap  = newScript(holdsSource + digestSource + guardSource + swapSource)
	mark  = newScript(holdsSource + digestSource + guardSource + markSource)
)

// A script is one that the servers keep. All its keys are declared and in one slot.
type script struct {
	hash, source string
	many         *script // what runs it for many keys, in any slots
}

func newScript(source string) script {
	many := "local function one(KEYS, ARGV)\n" + source + "\nend\n" + gatherSource
	return script{redis.NewScript(source).Hash(), source, &script{hash: redis.NewScript(many).Hash(), source: many}}
}

// gathered is the script that runs sc once for each of many keys, see gather.lua.
func (sc script) gathered() script { return *sc.many }

// byHash is the command that runs the script where the server knows it, whole the
// one that brings it along.
func (sc script) byHash(ctx context.Context, keys []string, args []any) *redis.Cmd {
	return sc.command(ctx, "evalsha", sc.hash, keys, args)
}

func (sc script) whole(ctx context.Context, keys []string, args []any) *redis.Cmd {
	return sc.command(ctx, "eval", sc.source, keys, args)
}

func (sc script) command(ctx context.Context, name, text string, keys []string, args []any) *redis.Cmd {
	all := make([]any, 0, 3+len(keys)+len(args))
	all = append(all, name, text, len(keys))
	for _, key := range keys {
		all = append(all, key)
	}
	return redis.NewCmd(ctx, append(all, args...)...)
}

// eval runs the script, whether the server knows it or not. A server forgets a
// script that came by EVAL when many others follow, but none that was loaded.
func (s *Store) eval(ctx context.Context, to link, sc script, how repetition, keys []string, args ...any) (*redis.Cmd, error) {
	send := func(cmd *redis.Cmd) error {
		if how == once {
			return process(ctx, to, unrepeated{cmd})
		}
		return process(ctx, to, cmd)
	}
	cmd := sc.byHash(ctx, keys, args)
	err := send(cmd)
	if !isUnknownScript(err) {
		return cmd, err
	}
	if s.teach(ctx, keys[0], sc) == nil {
		cmd = sc.byHash(ctx, keys, args)
		if err = send(cmd); !isUnknownScript(err) {
			return cmd, err
		}
	}
	// The server may not be allowed to keep it, or may not be the one that was taught.
	cmd = sc.whole(ctx, keys, args)
	return cmd, send(cmd)
}

// teach loads scripts into the server that holds key.
func (s *Store) teach(ctx context.Context, key string, scripts ...script) error {
	server := s.rdb
	if cluster, ok := s.rdb.(*redis.ClusterClient); ok {
		master, err := cluster.MasterForKey(ctx, key)
		if err != nil {
			return err
		}
		server = master
	}
	p := server.Pipeline()
	for _, sc := range scripts {
		p.ScriptLoad(ctx, sc.source)
	}
	_, err := p.Exec(ctx)
	return err
}

func isUnknownScript(err error) bool { return redis.HasErrorPrefix(err, "NOSCRIPT") }

// repetition says whether go-redis may send a command again whose answer is lost.
type repetition bool

const (
	once  repetition = false
	often repetition = true
)

// An unrepeated command is not sent again by go-redis when its answer is lost.
// Redirections are followed all the same: who answers with one has done nothing.
type unrepeated struct{ *redis.Cmd }

func (unrepeated) NoRetry() bool { return true }

// process sends one command. It says what step there is between the command's
// keys, since a cluster client otherwise asks Redis, in a lock that all wait for
// and that no deadline ends.
func process(ctx context.Context, to link, cmd redis.Cmder) error {
	cmd.SetStepCount(1)
	return to.Process(ctx, cmd)
}
