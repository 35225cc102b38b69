package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/asidecache/aside/codec"
	"github.com/asidecache/aside/internal/client"
	"github.com/asidecache/aside/internal/rediskey"
)

// checkTTL is how long what a Check stores may lie about.
const checkTTL = 10 * time.Second

// prefixTTL is how long a Name's ControlPrefix is known to other processes that Check.
const prefixTTL = time.Hour

// Check returns all that keeps Redis from doing what the store asks of it, with leases or
// without, as far as keys tell that nobody uses: of each master of a cluster one. It removes
// them again.
func (s *Store) Check(ctx context.Context, deadline time.Time, leases bool) (problems []error) {
	keys, err := s.checkKeys(ctx)
	if err != nil {
		return []error{fmt.Errorf("the cluster does not tell where its keys are: %w", err)}
	}
	for _, key := range keys {
		found, err := s.checkCommands(ctx, deadline, key)
		if err != nil {
			return append(problems, err)
		}
		if leases {
			found = s.checkLease(ctx, deadline, key, found)
		}
		problems = append(problems, found...)
	}
	problems = append(problems, s.checkCluster(ctx, deadline)...)
	return distinct(append(problems, s.checkPrefix(ctx, deadline)...))
}

// checkKeys returns a key that nobody uses for each server.
func (s *Store) checkKeys(ctx context.Context) (keys []string, err error) {
	const tries = 1000 // so that a master with a hundredth of the slots is found
	random := func(i int) string {
		text := fmt.Sprintf("aside-check-%s-%d", hex.EncodeToString([]byte(rediskey.NewToken())), i)
		return string(s.family.End(append(s.family.Begin(nil), text...), 0))
	}
	if s.Standalone() {
		return []string{random(0)}, nil
	}
	known := make(map[any]bool)
	for i := range tries {
		key := random(i)
		master, err := s.MasterOf(ctx, key)
		if err != nil {
			return nil, err
		}
		if !known[master] {
			known[master] = true
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// checkCommands sends each command that the store may send, of those that are not scripts, with
// the keys that it may send it with. The error is that of a server which does not answer.
func (s *Store) checkCommands(
	ctx context.Context, deadline time.Time, key string,
) (problems []error, err error) {
	keys := s.writeKeys(key)
	control := keys[1].(string)
	staged := s.family.Staging(control, rediskey.NewToken())
	ms := checkTTL.Milliseconds()
	var part codec.Wire
	part.Add([]byte("1"), []byte("1")) // a name, or a score, and a value
	if s.shape == codec.ShapeString {
		part.Reset("")
		part.Add(nil, []byte("1"))
	}
	args := [][]any{
		s.kind.appendParts([]any{s.kind.add, staged}, &part, 0, 1), {"pexpire", staged, ms},
		s.kind.appendParts([]any{s.kind.add, key}, &part, 0, 1), {"pexpire", key, ms},
		s.readArgs(nil, key), {s.kind.count, key}, {"exists", key}, {"type", key}, {"pttl", key},
		{"pexpiretime", key}, {"persist", key}, {"del", key}, {"dump", key}, {"rename", staged, key},
		{"set", control, "", "px", ms}, {"get", control}, {"pttl", control}, {"unlink", control},
	}
	switch s.shape {
	case codec.ShapeString:
		args = append(args, []any{"mget", key})
	case codec.ShapeHash:
		args = append(args, []any{"hmget", key, "1"})
	}
	for _, k := range append(slices.Clone(keys[2:]), staged, key) {
		args = append(args, []any{"unlink", k})
	}
	cmds, err := s.sendAll(ctx, deadline, args)
	if err != nil {
		return nil, fmt.Errorf("redis does not answer: %w", s.Explain(err))
	}
	var answer redis.Error
	if err := cmds[0].Err(); err != nil && !errors.As(err, &answer) {
		return nil, fmt.Errorf("redis does not answer: %w", s.Explain(err))
	}
	full := false
	for i, cmd := range cmds {
		err := client.Redact(cmd.Err())
		switch {
		case err == nil || strings.Contains(err.Error(), "no such key"):
		case client.IsOutOfMemory(err):
			full = true
		default:
			problems = append(problems, s.problem(args[i][1].(string), key, err))
		}
	}
	if full {
		problems = append(problems, s.outOfMemory(ctx, deadline, key))
	}
	if there, err := cmds[6].Int(); err == nil && there == 0 && len(problems) == 0 {
		problems = append(problems, errors.New("redis takes a value, and has none when it is asked"))
	}
	return problems, nil
}

// sendAll sends commands in one pipeline. Each has its error.
func (s *Store) sendAll(
	ctx context.Context, deadline time.Time, args [][]any,
) ([]*client.Command, error) {
	return s.SendUntil(ctx, deadline, func(ctx context.Context) []*client.Command {
		cmds := make([]*client.Command, len(args))
		for i, a := range args {
			cmds[i] = client.NewCommand(ctx, a...)
		}
		return cmds
	})
}

// problem puts into words what Redis has answered to a command on one key, for a check of key.
func (s *Store) problem(of, key string, err error) error {
	switch {
	case client.RefusesKey(err) && strings.HasPrefix(of, s.family.Prefix()):
		return fmt.Errorf("the keys that begin with %q are refused: choose a ControlPrefix "+
			"that the user of Redis may use, or permit ~%[1]s*: %w", s.family.Prefix(), err)
	case client.RefusesKey(err):
		front, _, _ := strings.Cut(of, "aside-check-")
		return fmt.Errorf("keys that begin with %q are refused, which values of this version, "+
			"or of the next to it, have: permit ~%[1]s*: %w", front, err)
	case client.IsNoPermission(err):
		return fmt.Errorf("a command that the cache needs is refused%s: %w", permitting(err), err)
	case client.IsUnknownCommand(err):
		return fmt.Errorf("a command that the cache needs is unknown: %w", err)
	case client.IsReadOnly(err):
		return fmt.Errorf("this Redis may only be read, as a replica may: name its master: %w", err)
	case client.IsOutOfMemory(err):
		return errNoMemory
	}
	return fmt.Errorf("redis refuses what the cache needs: %w", s.Explain(err))
}

var errNoMemory = errors.New("redis has no memory left, so that nothing is stored")

// maxMemoryPolicy is in the answer to INFO MEMORY.
var maxMemoryPolicy = regexp.MustCompile(`maxmemory_policy:([a-z-]+)`)

// outOfMemory says that the server of key has no memory left, and which policy it has, if that
// may be asked.
func (s *Store) outOfMemory(ctx context.Context, deadline time.Time, key string) error {
	info, err := client.RunUntil(ctx, s.Client, deadline, func(ctx context.Context) (string, error) {
		master, err := s.MasterOf(ctx, key)
		server, ok := master.(*redis.Client)
		if err != nil || !ok || server == nil {
			return "", err
		}
		cmd := client.NewText(ctx, "info", "memory")
		if err := server.Process(ctx, cmd); err != nil {
			return "", err
		}
		return cmd.Text()
	})
	policy := maxMemoryPolicy.FindStringSubmatch(info)
	if err != nil || policy == nil {
		return errNoMemory
	}
	return fmt.Errorf("%w: its maxmemory-policy is %s, which leaves it nothing to evict", errNoMemory, policy[1])
}

// refusedCommand is a command that Redis names in an error.
var refusedCommand = regexp.MustCompile(`'([a-z|]+)' command`)

// permitting names the rule of an ACL that permits what an error says is refused, if it says so.
func permitting(err error) string {
	command := refusedCommand.FindStringSubmatch(err.Error())
	if command == nil {
		return ""
	}
	return ", which the rule +" + command[1] + " of an ACL permits"
}

// checkLease adds to problems what keeps a lease from being granted, unless they say why.
func (s *Store) checkLease(
	ctx context.Context, deadline time.Time, key string, problems []error,
) []error {
	asks := []Ask{{Key: key, AsWrite: true}}
	s.AcquireAll(ctx, deadline, asks, checkTTL)
	answer, err := asks[0].Answer, client.Redact(asks[0].Err)
	if answer.Lease != nil {
		_, _ = answer.Lease.Release(ctx, deadline)
	}
	refused := s.RefusesLeases(ctx, deadline, key, err)
	switch {
	case client.RefusesScripts(err):
		return append(problems, s.Limit())
	case refused || len(problems) > 0:
		return problems
	case err != nil:
		return append(problems, s.problem(key, key, err))
	case answer.Status == Full:
		return append(problems, errors.New("redis has no memory left, so that no lease is granted"))
	}
	return problems
}

// checkCluster returns what keeps a cluster from serving all keys, if it may be asked.
func (s *Store) checkCluster(ctx context.Context, deadline time.Time) (problems []error) {
	if s.Standalone() {
		return nil
	}
	info, err := client.RunUntil(ctx, s.Client, deadline, func(ctx context.Context) (string, error) {
		cmd := client.NewText(ctx, "cluster", "info")
		if err := s.Redis().Process(ctx, cmd); err != nil {
			return "", err
		}
		return cmd.Text()
	})
	if err != nil {
		return nil
	}
	if !strings.Contains(info, "cluster_state:ok") {
		problems = append(problems, errors.New("the cluster is down: its cluster_state is not ok"))
	}
	if !strings.Contains(info, "cluster_slots_ok:16384\r") {
		problems = append(problems, errors.New("some slots of the cluster are served by no node"))
	}
	return problems
}

// checkPrefix tells other processes which ControlPrefix the Name has, and returns a problem if
// one has told of another. Where the key for that is refused nobody can know.
func (s *Store) checkPrefix(ctx context.Context, deadline time.Time) []error {
	key, prefix := s.family.PrefixKey(), s.family.Prefix()
	cmds, err := s.sendAll(ctx, deadline, [][]any{
		{"get", key}, {"set", key, prefix, "px", prefixTTL.Milliseconds()},
	})
	if err != nil {
		return nil
	}
	other, err := cmds[0].Text()
	if err == nil && other != prefix && strings.HasSuffix(other, ":") && len(other) < 300 {
		return []error{fmt.Errorf("another process has the ControlPrefix %q, or had it in the "+
			"last hour, and this one has %q: all that use the keys must have the same, or loads of "+
			"some are stored over writes of others; if no other is left, the next Check is silent",
			other, prefix)}
	}
	return nil
}

// distinct leaves out what is told twice.
func distinct(problems []error) (all []error) {
	told := make(map[string]bool)
	for _, p := range problems {
		if !told[p.Error()] {
			told[p.Error()] = true
			all = append(all, p)
		}
	}
	return all
}
